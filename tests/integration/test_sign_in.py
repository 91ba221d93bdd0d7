"""Signing in by a mailed link: who gets in, who learns what, and what a cookie is worth."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from comfyhoused.adapters.redis.client import Store, open_store
from comfyhoused.api.accounts import list_accounts
from comfyhoused.api.mailboxes import Mailbox
from comfyhoused.api.sessions import COOKIE, end_other_sessions, end_session, list_sessions
from comfyhoused.api.sign_up import create_account_for
from comfyhoused.kit.crypto import make_digest
from comfyhoused.kit.ids import make_id
from tests.api_process import LoneApi

HTML = {"Accept": "text/html"}
SIGN_IN = "/console/sign-in"


@pytest.fixture(scope="module")
def api(valkey_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoneApi]:
    """A house in development without a mail server: it shows its links on the page."""
    one = LoneApi(
        tmp_path_factory.mktemp("api of sign-in"),
        valkey_url,
        CH_SIGN_UPS_PER_HOUR=10_000,
        CH_SIGN_UPS_PER_DAY=10_000,
    )
    one.start()
    yield one
    one.stop()


@pytest.fixture
async def store(valkey_url: str, redis: object) -> AsyncIterator[Store]:
    async with open_store(valkey_url) as client:
        yield client


@asynccontextmanager
async def open_browser(api: LoneApi) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=api.url, headers=HTML, timeout=30) as browser:
        yield browser


def read_token(page: httpx.Response) -> str:
    match = re.search(r'name="token" value="([0-9a-f]{64})"', page.text)
    assert match, page.text
    return match.group(1)


async def ask(browser: httpx.AsyncClient, email: str, **more: str) -> httpx.Response:
    page = await browser.get(SIGN_IN)
    return await browser.post(SIGN_IN, data={"email": email, "token": read_token(page), **more})


async def get_link(browser: httpx.AsyncClient, email: str, **more: str) -> str:
    """Return the path of the link that the page shows."""
    sent = await ask(browser, email, **more)
    assert sent.status_code == 200, sent.text
    match = re.search(r'href="http://[^/"]+(/console/sign-in/[^"]+)"', sent.text)
    assert match, sent.text
    return match.group(1)


async def use(browser: httpx.AsyncClient, link: str) -> httpx.Response:
    page = await browser.get(link)
    assert page.status_code == 200, page.text
    return await browser.post(link, data={"token": read_token(page)})


async def sign_in(browser: httpx.AsyncClient, email: str) -> None:
    answer = await use(browser, await get_link(browser, email))
    assert (answer.status_code, answer.headers["location"]) == (303, "/console")


async def is_signed_in(browser: httpx.AsyncClient) -> bool:
    answer = await browser.get("/console")
    assert answer.status_code in (200, 303)
    return answer.status_code == 200


async def test_a_link_signs_in_and_opens_an_account(api: LoneApi, store: Store) -> None:
    async with open_browser(api) as browser:
        assert not await is_signed_in(browser)
        await sign_in(browser, "Ada@Example.com")
        assert await is_signed_in(browser)
    (account,) = await list_accounts(store)
    assert (account.email, account.plan) == ("Ada@example.com", "free")


async def test_the_second_time_it_is_the_same_account(api: LoneApi, store: Store) -> None:
    for email in ("ada@example.com", "ADA+shop@example.com", "ada@EXAMPLE.com"):
        async with open_browser(api) as browser:
            await sign_in(browser, email)
    (account,) = await list_accounts(store)
    assert len(await list_sessions(store, account.id)) == 3


async def test_a_link_works_once(api: LoneApi, store: Store) -> None:
    async with open_browser(api) as one, open_browser(api) as other:
        link = await get_link(one, "ada@example.com")
        assert (await use(other, link)).status_code == 303, "in another browser, too"
        for browser in (one, other):
            page = await browser.get(link)
            assert page.status_code == 404
            assert "link_spent" in page.text
        assert not await is_signed_in(one)


async def test_looking_at_a_link_changes_nothing(api: LoneApi, store: Store) -> None:
    async with open_browser(api) as browser:
        link = await get_link(browser, "ada@example.com")
        for _ in range(5):
            assert (await browser.head(link)).status_code in (200, 405)
            page = await browser.get(link)
            assert page.status_code == 200
            assert "ada@example.com" in page.text
        assert await list_accounts(store) == []
        assert (await use(browser, link)).status_code == 303


async def test_another_sites_form_cannot_use_a_link(api: LoneApi, store: Store) -> None:
    async with open_browser(api) as browser, open_browser(api) as victim:
        link = await get_link(browser, "mallory@example.com")
        token = read_token(await browser.get(link))
        foreign = {"Origin": "https://stranger.example", "Sec-Fetch-Site": "cross-site"}
        for data, headers in (({}, {}), ({"token": token}, {}), ({"token": token}, foreign)):
            assert (await victim.post(link, data=data, headers=headers)).status_code == 403
        assert not await is_signed_in(victim)
        assert (await browser.get(link)).status_code == 200, "and the link is not spent"


async def test_a_link_gets_old(api: LoneApi, store: Store) -> None:
    async with open_browser(api) as browser:
        link = await get_link(browser, "ada@example.com")
        (key,) = await store.keys("ch:1:sign_in:*")
        assert 0 < await store.ttl(key) <= 900
        await store.delete(key)
        assert (await browser.get(link)).status_code == 404


async def test_neither_link_nor_cookie_is_stored(api: LoneApi, store: Store) -> None:
    async with open_browser(api) as browser:
        link = await get_link(browser, "ada@example.com")
        await use(browser, link)
        await get_link(browser, "bob@example.com")
        secrets = (link.rpartition("/")[2], browser.cookies[COOKIE.name])
    for key in await store.keys("*"):
        kind = await store.type(key)
        value = await (store.hgetall(key) if kind == "hash" else _read(store, str(key), kind))
        for secret in secrets:
            assert secret not in str(key)
            assert secret not in str(value)
    assert await store.exists(f"ch:1:session:{make_digest(secrets[1])}")
    assert secrets[0] not in api.log.read_text()


async def _read(store: Store, key: str, kind: str) -> object:
    return await store.get(key) if kind == "string" else await store.object("encoding", key)


async def test_the_cookie_is_out_of_reach(api: LoneApi, store: Store) -> None:
    async with open_browser(api) as browser:
        answer = await use(browser, await get_link(browser, "ada@example.com"))
        cookies = answer.headers.get_list("set-cookie")
        (cookie,) = [one for one in cookies if one.startswith(COOKIE.name)]
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert "Path=/" in cookie
        assert "Secure" not in cookie, "this server speaks http"
        secure = {"X-Forwarded-Proto": "https"}
        link = await get_link(browser, "ada@example.com")
        token = read_token(await browser.get(link))
        answer = await browser.post(link, data={"token": token}, headers=secure)
        assert "Secure" in answer.headers["set-cookie"]


async def test_signing_out_ends_the_cookie_not_only_in_this_browser(
    api: LoneApi, store: Store
) -> None:
    async with open_browser(api) as browser, open_browser(api) as thief:
        await sign_in(browser, "ada@example.com")
        thief.cookies.set(COOKIE.name, browser.cookies[COOKIE.name])
        assert await is_signed_in(thief)
        token = read_token(await browser.get("/console"))
        assert (await browser.post("/console/sign-out")).status_code == 403
        answer = await browser.post("/console/sign-out", data={"token": token})
        assert answer.headers["location"] == SIGN_IN
        assert COOKIE.name not in browser.cookies
        assert not await is_signed_in(thief)


async def test_signing_in_again_ends_the_older_session_of_the_browser(
    api: LoneApi, store: Store
) -> None:
    async with open_browser(api) as browser:
        await sign_in(browser, "ada@example.com")
        first = browser.cookies[COOKIE.name]
        await sign_in(browser, "bob@example.com")
        assert browser.cookies[COOKIE.name] != first
        assert not await store.exists(f"ch:1:session:{make_digest(first)}")


async def test_sessions_are_listed_and_ended(api: LoneApi, store: Store) -> None:
    async with open_browser(api) as one, open_browser(api) as two, open_browser(api) as three:
        for browser in (one, two, three):
            await sign_in(browser, "ada@example.com")
        (account,) = await list_accounts(store)
        sessions = await list_sessions(store, account.id)
        by_cookie = await store.hget(f"ch:1:session:{make_digest(one.cookies[COOKIE.name])}", "id")
        assert len(sessions) == 3
        assert not await end_session(store, "acct_somebody_else", str(by_cookie))
        assert await end_session(store, account.id, str(by_cookie))
        assert not await is_signed_in(one)
        assert await is_signed_in(two)
        kept = await store.hget(f"ch:1:session:{make_digest(two.cookies[COOKIE.name])}", "id")
        assert await end_other_sessions(store, account.id, str(kept)) == 1
        assert (await is_signed_in(two), await is_signed_in(three)) == (True, False)


async def test_an_older_cookie_is_renewed_and_the_former_ends(api: LoneApi, store: Store) -> None:
    async with open_browser(api) as browser:
        await sign_in(browser, "ada@example.com")
        first = browser.cookies[COOKIE.name]
        await store.hincrby(f"ch:1:session:{make_digest(first)}", "seen_at", -90_000_000)
        assert await is_signed_in(browser)
        second = browser.cookies[COOKIE.name]
        assert second != first
        assert 0 < await store.ttl(f"ch:1:session:{make_digest(first)}") <= 60, "a moment longer"
        assert await is_signed_in(browser)
        assert browser.cookies[COOKIE.name] == second
        (account,) = await list_accounts(store)
        (session,) = await list_sessions(store, account.id)
        assert await end_session(store, account.id, session.id)
        assert not await is_signed_in(browser)


async def test_a_session_ends_after_its_days_however_busy(api: LoneApi, store: Store) -> None:
    async with open_browser(api) as browser:
        await sign_in(browser, "ada@example.com")
        key = f"ch:1:session:{make_digest(browser.cookies[COOKIE.name])}"
        await store.hset(key, "expires_at", "1")
        assert not await is_signed_in(browser)


@pytest.mark.parametrize("cookie", ["", "x", "0" * 43, "é", "x" * 3000])
async def test_cookies_that_are_none(api: LoneApi, store: Store, cookie: str) -> None:
    async with open_browser(api) as browser:
        headers = {"Cookie": f"{COOKIE.name}={cookie}".encode()}
        assert (await browser.get("/console", headers=headers)).status_code == 303


async def test_who_is_sent_to_sign_in_comes_back(api: LoneApi, store: Store) -> None:
    async with open_browser(api) as browser:
        sent = await browser.get("/console/jobs?state=failed")
        assert (
            sent.headers["location"] == "/console/sign-in?next=%2Fconsole%2Fjobs%3Fstate%3Dfailed"
        )
        page = await browser.get(sent.headers["location"])
        assert 'name="next" value="/console/jobs?state=failed"' in page.text
        link = await get_link(browser, "ada@example.com", next="/console/jobs?state=failed")
        answer = await use(browser, link)
        assert answer.headers["location"] == "/console/jobs?state=failed"


@pytest.mark.parametrize(
    "target",
    [
        "https://stranger.example/",
        "//stranger.example/console",
        "/\\stranger.example",
        "/console\\@stranger.example",
        "/console/sign-out",
        "javascript:alert(1)",
        "/console/\r\nLocation: https://stranger.example",
        "/api/v1/jobs",
        "/consolestranger",
    ],
)
async def test_nobody_is_led_elsewhere(api: LoneApi, store: Store, target: str) -> None:
    async with open_browser(api) as browser:
        answer = await use(browser, await get_link(browser, "ada@example.com", next=target))
        assert answer.headers["location"] == "/console"


async def test_programs_get_a_problem_instead_of_a_page(api: LoneApi, store: Store) -> None:
    async with httpx.AsyncClient(base_url=api.url) as program:
        answer = await program.get("/console")
        assert answer.status_code == 401
        assert answer.json()["code"] == "sign_in_needed"


@pytest.mark.parametrize("email", ["", "ada", "ada@", "@example.com", "a b@example.com", "x" * 300])
async def test_what_is_no_address_is_said(api: LoneApi, store: Store, email: str) -> None:
    async with open_browser(api) as browser:
        answer = await ask(browser, email)
        assert answer.status_code == 422
        assert 'aria-invalid="true"' in answer.text


async def test_a_mailbox_is_not_flooded(api: LoneApi, store: Store) -> None:
    async with open_browser(api) as browser:
        spellings = ["ada@example.com", "ADA@example.com", "ada+1@example.com"]
        statuses = [(await ask(browser, spellings[i % 3])).status_code for i in range(7)]
        assert statuses == [200] * 5 + [429] * 2
        assert (await ask(browser, "bob@example.com")).status_code == 200


async def test_another_spelling_is_not_let_in_by_an_old_link(api: LoneApi, store: Store) -> None:
    """Some mail servers give `ada+bob` to another person than `ada`."""
    async with open_browser(api) as browser, open_browser(api) as other:
        one = await get_link(browser, "ada+bob@example.com")
        two = await get_link(other, "ada@example.com")
        assert (await use(browser, one)).status_code == 303
        refused = await use(other, two)
        assert refused.status_code == 403
        assert "mailbox_taken" in refused.text
        assert not await is_signed_in(other)
        link = await get_link(other, "ada@example.com")
        assert "ada+bob@example.com" in (await other.get(link)).text, "it goes to the known one"


async def test_a_stopped_account_may_still_look(api: LoneApi, store: Store) -> None:
    async with open_browser(api) as browser:
        await sign_in(browser, "ada@example.com")
        (account,) = await list_accounts(store)
        await store.hset(f"ch:1:account:{account.id}", "stopped_reason", "Bad work.")
        assert await is_signed_in(browser)


async def test_an_account_of_the_operators_making_signs_in(api: LoneApi, store: Store) -> None:
    mailbox = Mailbox("ada@example.com", "ada@example.com")
    account, is_new = await create_account_for(store, mailbox, plan="pro")
    again, is_new_again = await create_account_for(store, mailbox, plan="free")
    assert (is_new, is_new_again) == (True, False)
    assert account == again
    async with open_browser(api) as browser:
        await sign_in(browser, "Ada@example.com")
    assert [one.id for one in await list_accounts(store)] == [account.id]


def make_address() -> str:
    return f"{make_id('who', 8)}@example.com"


async def test_production_without_mail_says_that_nobody_can_sign_in(
    api: LoneApi, store: Store, tmp_path: Path, valkey_url: str
) -> None:
    closed = LoneApi(tmp_path / "closed", valkey_url, CH_MODE="production", CH_SECRET="s" * 40)
    closed.start()
    try:
        async with open_browser(closed) as browser:
            page = await browser.get(SIGN_IN)
            assert page.status_code == 503
            assert "CH_SMTP_HOST" in page.text
            assert "<input" not in page.text.partition("<main")[2]
            front = await browser.get("/")
            assert front.status_code == 200
    finally:
        closed.stop()
