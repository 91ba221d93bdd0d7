"""A new user gets from sign-in to a picture, as docs/api/quickstart.md says and in its words."""

import re
from pathlib import Path

import httpx
import pytest
from PIL import Image

from tests.house import House
from tests.sdk.sample_runs import run_samples
from tests.sdk.samples import QUICKSTART, list_samples
from tests.waiting import PATIENCE_SECONDS

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def sign_up(browser: httpx.AsyncClient, email: str) -> None:
    """Sign in as somebody new: by opening the link that the page shows."""
    page = await browser.get("/console/sign-in")
    shown = await browser.post("/console/sign-in", data={"email": email, "token": read_token(page)})
    link = re.search(r'href="(http://[^"]+/console/sign-in/[^"]+)"', shown.text)
    assert link, shown.text
    page = await browser.get(link[1])
    answer = await browser.post(link[1], data={"token": read_token(page)})
    assert (answer.status_code, answer.headers["location"]) == (303, "/console")


async def make_key(browser: httpx.AsyncClient) -> str:
    """Return the secret of a test key that was made in the console."""
    page = await browser.get("/console/keys")
    # A browser sends the boxes that are ticked when the page opens.
    scopes = re.findall(r'name="scopes" value="([^"]+)"[^>]* checked', page.text)
    form = {"name": "First", "mode": "test", "days": "0", "token": read_token(page)}
    made = await browser.post("/console/keys", data={**form, "scopes": scopes})
    secret = re.search(r"sk_test_\w+", made.text)
    assert secret, made.text
    return secret[0]


def read_token(page: httpx.Response) -> str:
    """Return what a form of the page carries to show that it is ours."""
    token = re.search(r'name="token" value="([0-9a-f]{64})"', page.text)
    assert token, page.text
    return token[1]


@pytest.mark.usefixtures("built")
async def test_a_new_user_gets_from_sign_in_to_a_picture(house: House, tmp_path: Path) -> None:
    headers = {"Accept": "text/html"}
    async with httpx.AsyncClient(
        base_url=house.url, headers=headers, timeout=PATIENCE_SECONDS
    ) as browser:
        await sign_up(browser, "grace@example.com")
        secret = await make_key(browser)
    samples = [one for one in list_samples() if one.page == QUICKSTART and one.why_not is None]
    pictures = []
    for language in ("bash", "python", "js"):
        folder = tmp_path / language
        folder.mkdir()
        chosen = [one for one in samples if one.language == language]
        code, said = await run_samples(chosen, url=house.url, secret=secret, folder=folder)
        assert code == 0, f"{language}\n{said}"
        pictures.append(Image.open(folder / "ridges.png").convert("RGB"))

    assert [picture.size for picture in pictures] == [(256, 256)] * 3
    assert len({picture.tobytes() for picture in pictures}) == 1
