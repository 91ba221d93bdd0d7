"""From the form through a real mail server back to the console, by the worker's own hand."""

import re

import httpx

from comfyhoused.api.mailboxes import Mailbox
from comfyhoused.api.sessions import COOKIE
from comfyhoused.api.sign_up import create_account_for
from tests.conftest import MakeHouse
from tests.house import House
from tests.mail_server import MailPost, read_part
from tests.waiting import wait_until

SIGN_IN = "/console/sign-in"
KNOWN, UNKNOWN = "ada@example.com", "bob@example.com"


def read_token(page: httpx.Response) -> str:
    match = re.search(r'name="token" value="([0-9a-f]{64})"', page.text)
    assert match, page.text
    return match.group(1)


async def ask(browser: httpx.AsyncClient, email: str) -> str:
    """Ask for a link; returns the page, without the address."""
    token = read_token(await browser.get(SIGN_IN))
    page = await browser.post(SIGN_IN, data={"email": email, "token": token})
    assert page.status_code == 200
    return page.text.replace(email, "…")


async def test_a_mailed_link_signs_in(make_house: MakeHouse) -> None:
    with MailPost() as post:
        house: House = await make_house(environment=post.environment)
        await create_account_for(house.store, Mailbox(KNOWN, KNOWN), plan="pro")
        async with httpx.AsyncClient(base_url=house.url, timeout=60) as browser:
            known, unknown = [await ask(browser, email) for email in (KNOWN, UNKNOWN)]
            assert known == unknown, "the page does not tell who has an account"
            assert "Check your mail" in known
            assert "/console/sign-in/" not in known.partition("<main")[2]
            await wait_until(lambda: len(post.mails) == 2)
            mails = {str(mail["To"]): mail for mail in post.mails}
            assert set(mails) == {KNOWN, UNKNOWN}
            links = re.findall(rf"{re.escape(house.url)}\S+", read_part(mails[KNOWN], "plain"))
            assert len(links) == 1
            assert links[0] in read_part(mails[KNOWN], "html")
            path = links[0].removeprefix(house.url)
            token = read_token(await browser.get(path))
            answer = await browser.post(path, data={"token": token})
            assert answer.headers["location"] == "/console"
            assert COOKIE.name in browser.cookies
            await wait_until(lambda: is_empty(house))
        assert path.rpartition("/")[2] not in house.read_logs(100_000)


async def is_empty(house: House) -> bool:
    """Tell whether no mail, and so no link, is kept any more."""
    return not await house.store.keys("ch:1:mail:mail_*")
