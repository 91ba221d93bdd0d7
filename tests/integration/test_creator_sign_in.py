"""Signing in to Creator with Google: who gets in, and who does not, however they try."""

from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import urlencode

import httpx
import pytest
from sqlalchemy import func, select, update

from comfyhoused.adapters.postgres.database import Database
from comfyhoused.creator.sessions import (
    COOKIE,
    IDLE,
    SignedOut,
    end_other_sessions,
    end_session,
    forget_sessions,
    get_presence,
    list_browsers,
)
from comfyhoused.creator.tables import Session, User
from comfyhoused.kit.clock import get_now
from comfyhoused.kit.crypto import make_digest
from tests.creator_google_stage import Answers, GoogleStage, read_query
from tests.creator_sign_in import create_user, make_creator_cookie

START = "/creator/auth/google"


@pytest.fixture
def stage(google_stage: GoogleStage) -> GoogleStage:
    return google_stage


@pytest.fixture
async def rows(stage: GoogleStage) -> AsyncIterator[Database]:
    async with stage.open_database() as database:
        yield database


async def find_user(database: Database, sub: str) -> User | None:
    async with database.begin() as session:
        found: User | None = await session.scalar(select(User).where(User.google_sub == sub))
    return found


async def test_a_person_signs_in_and_is_led_to_what_they_wanted(
    stage: GoogleStage, rows: Database
) -> None:
    ada = stage.google.add_user("ada@demo.example", "Ada Lens")
    async with stage.open_browser() as browser:
        wanted = await browser.get("/creator/gallery?state=finished")
        assert wanted.status_code == 303
        page = await browser.get(wanted.headers["location"])
        assert "demo sign-in" in page.text
        path = f"{START}?{urlencode({'next': '/creator/gallery?state=finished'})}"
        asked = read_query(await stage.leave(browser, path))
        assert asked["code_challenge_method"] == "S256"
        assert {"openid", "email", "profile"} == set(asked["scope"].split())
        assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3

        answer = await stage.walk(browser, path, Answers(ada["sub"]))

        assert answer.headers["location"] == "/creator/gallery?state=finished"
        (cookie,) = [
            one for one in answer.headers.get_list("set-cookie") if one.startswith(COOKIE.name)
        ]
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert "Domain" not in cookie
        assert (await browser.get(answer.headers["location"])).status_code == 200
    user = await find_user(rows, ada["sub"])
    assert user is not None
    assert (user.email, user.name) == ("ada@demo.example", "Ada Lens")
    async with rows.begin() as session:
        (one,) = await list_browsers(session, user.id)
        stored = (await session.scalars(select(Session.digest))).all()
    assert one.name == "a browser of the tests"
    value = cookie.partition("=")[2].partition(";")[0]
    assert make_digest(value) in stored
    assert value not in stored


async def test_whoever_is_new_is_welcomed(stage: GoogleStage) -> None:
    new = stage.google.add_user("new@demo.example", "New")
    async with stage.open_browser() as browser:
        answer = await stage.walk(browser, START, Answers(new["sub"]))
        assert answer.headers["location"] == "/creator/welcome"


async def test_an_account_is_its_sub_and_not_its_address(
    stage: GoogleStage, rows: Database
) -> None:
    before = await create_user(rows, "shared@demo.example")
    other = stage.google.add_user("shared@demo.example", "Somebody else")
    async with stage.sign_in(other):
        pass
    user = await find_user(rows, other["sub"])
    assert user is not None
    assert user.id != before.id


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example/creator/home",
        "//evil.example/creator/",
        "/\\evil.example",
        "/creator/../console",
        "/console",
        "/creator/sign-out",
        "javascript:alert(1)",
        "/creator/home\r\nSet-Cookie: a=b",
    ],
)
async def test_nobody_is_led_to_another_site(stage: GoogleStage, path: str) -> None:
    eve = stage.google.add_user(f"{abs(hash(path))}@demo.example", "Eve")
    async with stage.open_browser() as browser:
        start = f"{START}?{urlencode({'next': path})}"
        answer = await stage.walk(browser, start, Answers(eve["sub"]))
        assert answer.headers["location"] == "/creator/welcome"
        again = await browser.get("/creator/sign-in", params={"next": path})
        assert again.headers["location"] == "/creator/home"


async def test_whoever_calls_the_house_localhost_is_led_to_the_name_that_google_knows(
    stage: GoogleStage,
) -> None:
    async with stage.open_browser(Host=f"localhost:{stage.api.port}") as browser:
        answer = await browser.get(f"{START}?next=/creator/gallery")
        assert answer.headers["location"] == f"{stage.api.url}{START}?next=/creator/gallery"
    async with stage.open_browser(Host="proxied.internal") as browser:
        assert (await stage.leave(browser, START)).startswith(stage.google.url)


async def test_who_says_no_is_told_that_nothing_happened(stage: GoogleStage) -> None:
    ada = stage.google.add_user("no@demo.example", "No")
    async with stage.open_browser() as browser:
        answer = await stage.walk(browser, START, Answers(ada["sub"], is_allowed=False))
        assert answer.status_code == 403
        assert "nothing was changed" in answer.text
        assert START in answer.text
        assert COOKIE.name not in browser.cookies


async def test_two_tabs_may_be_under_way(stage: GoogleStage) -> None:
    ada = stage.google.add_user("tabs@demo.example", "Tabs")
    async with stage.open_browser() as browser:
        one, two = [await stage.leave(browser, START) for _ in range(2)]
        for url in (two, one):
            answer = await browser.get(await stage.decide(url, Answers(ada["sub"])))
            assert answer.status_code == 303


async def test_what_was_used_is_used(stage: GoogleStage) -> None:
    ada = stage.google.add_user("again@demo.example", "Again")
    async with stage.open_browser() as browser:
        back = await stage.decide(await stage.leave(browser, START), Answers(ada["sub"]))
        flows = dict(browser.cookies)
        assert (await browser.get(back)).status_code == 303
        replayed = await browser.get(back)
        assert replayed.status_code == 400
        assert "done already" in replayed.text
        # Somebody who kept the cookie as it was does not get further: the code is spent.
    async with stage.open_browser() as thief:
        thief.cookies.update(flows)
        answer = await thief.get(back)
        assert answer.status_code == 400
        assert COOKIE.name not in thief.cookies


async def test_a_way_belongs_to_its_browser(stage: GoogleStage) -> None:
    """Nobody is signed in as somebody else by following a link."""
    eve = stage.google.add_user("eve@demo.example", "Eve")
    async with stage.open_browser() as hers, stage.open_browser() as victim:
        back = await stage.decide(await stage.leave(hers, START), Answers(eve["sub"]))
        await stage.leave(victim, START)
        answer = await victim.get(back)
        assert answer.status_code == 400
        assert COOKIE.name not in victim.cookies


@pytest.mark.parametrize("state", ["", "x" * 43, "\u00e4"])
async def test_a_forged_state_leads_nowhere(stage: GoogleStage, state: str) -> None:
    async with stage.open_browser() as browser:
        await stage.leave(browser, START)
        answer = await browser.get(
            "/creator/auth/callback", params={"state": state, "code": "4/forged"}
        )
        assert answer.status_code == 400
        assert "Sign in" in answer.text
        browser.cookies.set("ch_flows", "forged")
        answer = await browser.get("/creator/auth/callback", params={"state": state, "code": "x"})
        assert answer.status_code == 400


async def test_a_forged_code_leads_nowhere(stage: GoogleStage) -> None:
    async with stage.open_browser() as browser:
        asked = read_query(await stage.leave(browser, START))
        answer = await browser.get(
            "/creator/auth/callback", params={"state": asked["state"], "code": "4/forged"}
        )
        assert answer.status_code == 400
        assert COOKIE.name not in browser.cookies


async def test_a_session_from_before_is_never_kept(stage: GoogleStage, rows: Database) -> None:
    ada = stage.google.add_user("fixed@demo.example", "Fixed")
    async with stage.sign_in(ada) as browser, stage.open_browser() as planted:
        first = browser.cookies[COOKIE.name]
        planted.cookies.set(COOKIE.name, "planted by somebody")
        await stage.walk(planted, START, Answers(ada["sub"]))
        # httpx keeps the planted one, which is of no domain, beside ours.
        values = {one.value for one in planted.cookies.jar if one.name == COOKIE.name}
        (fresh,) = values - {"planted by somebody"}
        assert fresh not in ("planted by somebody", first)
        with pytest.raises(SignedOut):
            await get_presence(rows, "planted by somebody")


async def test_signing_out_ends_the_session_for_good(stage: GoogleStage, rows: Database) -> None:
    ada = stage.google.add_user("out@demo.example", "Out")
    async with stage.sign_in(ada) as browser:
        cookie = browser.cookies[COOKIE.name]
        token = await read_token(browser)
        forged = await browser.post("/creator/sign-out", data={"token": "0" * 64})
        assert forged.status_code == 403
        answer = await browser.post("/creator/sign-out", data={"token": token})
        assert answer.headers["location"] == "/creator"
        assert COOKIE.name not in browser.cookies
        with pytest.raises(SignedOut):
            await get_presence(rows, cookie)


async def test_a_form_of_one_session_is_none_of_the_next(stage: GoogleStage) -> None:
    ada = stage.google.add_user("forms@demo.example", "Forms")
    async with stage.sign_in(ada) as browser:
        old = await read_token(browser)
        await browser.post("/creator/sign-out", data={"token": old})
        await stage.walk(browser, START, Answers(ada["sub"]))
        answer = await browser.post("/creator/sign-out", data={"token": old})
        assert answer.status_code == 403
        assert (await browser.get("/creator/settings")).status_code == 200


async def test_whoever_is_leaving_does_not_come_in(stage: GoogleStage, rows: Database) -> None:
    ada = stage.google.add_user("leaving@demo.example", "Leaving")
    async with stage.sign_in(ada) as browser:
        async with rows.begin() as session:
            mine = User.google_sub == ada["sub"]
            await session.execute(update(User).where(mine).values(deleting_at=get_now()))
        assert (await browser.get("/creator/settings")).status_code == 303
        answer = await stage.walk(browser, START, Answers(ada["sub"]))
        assert answer.status_code == 403
        assert "being deleted" in answer.text


async def test_parts_of_pages_send_the_whole_page_to_sign_in(stage: GoogleStage) -> None:
    async with stage.open_browser() as browser:
        headers = {
            "HX-Request": "true",
            "HX-Current-URL": f"{stage.api.url}/creator/gallery?page=2",
        }
        answer = await browser.get("/creator/settings", headers=headers)
        assert answer.status_code == 401
        expected = urlencode({"next": "/creator/gallery?page=2"})
        assert answer.headers["HX-Redirect"] == f"/creator/sign-in?{expected}"
        by_script = await browser.get("/creator/settings", headers={"Accept": "application/json"})
        assert by_script.status_code == 401
        assert by_script.json()["code"] == "signed_out"


async def test_sessions_end_by_themselves_and_one_by_one(rows: Database) -> None:
    user = await create_user(rows, "many@demo.example")
    cookies = [(await make_creator_cookie(rows, user.id))[1] for _ in range(4)]
    ids = [(await get_presence(rows, cookie)).browser.id for cookie in cookies]
    async with rows.begin() as session:
        assert len(await list_browsers(session, user.id)) == 4
        assert await end_session(session, user.id, ids[0])
        assert not await end_session(session, user.id, ids[0])
        assert not await end_session(session, "user_other", ids[1])
        # One was not seen for too long; another is too old though it was seen just now.
        for number, values in (
            (1, {"seen_at": get_now() - IDLE - timedelta(seconds=1)}),
            (2, {"expires_at": get_now() - timedelta(seconds=1)}),
        ):
            its = Session.digest == make_digest(cookies[number])
            await session.execute(update(Session).where(its).values(**values))
    for cookie in cookies[:3]:
        with pytest.raises(SignedOut):
            await get_presence(rows, cookie)
    async with rows.begin() as session:
        assert [one.id for one in await list_browsers(session, user.id)] == [ids[3]]
    await forget_sessions(rows)
    last = (await make_creator_cookie(rows, user.id))[1]
    async with rows.begin() as session:
        left = select(func.count()).where(Session.user_id == user.id)
        assert await session.scalar(left) == 2
        assert await end_other_sessions(session, user.id, ids[3]) == 1
    with pytest.raises(SignedOut):
        await get_presence(rows, last)


async def test_a_browser_that_is_there_stays_signed_in(rows: Database) -> None:
    user = await create_user(rows, "stays@demo.example")
    _, cookie = await make_creator_cookie(rows, user.id)
    long_ago = get_now() - timedelta(days=13)
    its = Session.digest == make_digest(cookie)
    async with rows.begin() as session:
        await session.execute(update(Session).where(its).values(seen_at=long_ago))
    await get_presence(rows, cookie)
    async with rows.begin() as session:
        seen_at = await session.scalar(select(Session.seen_at).where(its))
    assert seen_at is not None
    assert get_now() - seen_at < timedelta(hours=1)


async def test_google_away_is_said_and_nobody_is_let_in(stage: GoogleStage) -> None:
    ada = stage.google.add_user("away@demo.example", "Away")
    async with stage.open_browser() as browser:
        back = await stage.decide(await stage.leave(browser, START), Answers(ada["sub"]))
        stage.google.plan_fault("/token", action="refuse", status=500, reason="backendError")
        try:
            answer = await browser.get(back)
        finally:
            stage.google.clear_faults()
        assert answer.status_code == 503
        assert "Google does not answer" in answer.text
        assert COOKIE.name not in browser.cookies


async def read_token(browser: httpx.AsyncClient) -> str:
    """Return what the forms of this browser's pages carry."""
    page = await browser.get("/creator/settings")
    assert page.status_code == 200, page.text
    return page.text.partition('name="token" value="')[2].partition('"')[0]
