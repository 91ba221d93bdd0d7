"""Creator's web server with a demo Google behind it, and browsers that walk to it and back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from comfyhoused.adapters.postgres.database import Database, open_database
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.opening import open_creator
from comfyhoused.resources import open_resources
from comfyhoused.settings import Settings
from tests.api_process import LoneApi
from tests.google import FakeGoogle
from tests.house import SECRET
from tests.waiting import PATIENCE_SECONDS


@dataclass(frozen=True, slots=True)
class Answers:
    """What somebody does at Google: which account, yes or no, what is ticked and picked."""

    account: str
    is_allowed: bool = True
    unticked: frozenset[str] = frozenset()
    picked: tuple[str, ...] = field(default=())


class GoogleStage:
    """The parts; `walk` is what a person does from one of our links until Google leads back."""

    def __init__(self, folder: Path, redis_url: str, database_url: str) -> None:
        self.google = FakeGoogle(folder / "google")
        self.google.start()
        self.database_url = database_url
        self.photos = folder / "photos"
        self.photos.mkdir()
        self.api = LoneApi(
            folder / "api",
            redis_url,
            CH_SECRET=SECRET,
            CH_DATABASE_URL=database_url,
            CH_LOCAL_SOURCES_DIR=self.photos,
            CH_SETTLE_LOOK_SECONDS=0.1,
            **self.google.environment,
        )
        self.api.environment["CH_PUBLIC_URL"] = self.api.url
        self.api.start()

    def close(self) -> None:
        self.api.kill()
        try:
            self.google.check_contract()
        finally:
            self.google.kill()

    def open_browser(self, **headers: str) -> httpx.AsyncClient:
        """Return a browser that has never been here; it follows nothing by itself."""
        return httpx.AsyncClient(
            base_url=self.api.url,
            headers={"Accept": "text/html", "User-Agent": "a browser of the tests", **headers},
            timeout=PATIENCE_SECONDS,
        )

    async def leave(self, browser: httpx.AsyncClient, path: str) -> str:
        """Follow one of our links to Google; returns the address there."""
        answer = await browser.get(path)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    async def decide(self, url: str, answers: Answers) -> str:
        """Do at Google what a person does; returns the address that leads back to us."""
        asked = read_query(url)
        scopes = [one for one in asked["scope"].split() if one not in answers.unticked]
        # A jar of its own: Google's cookies are not ours.
        async with httpx.AsyncClient(timeout=PATIENCE_SECONDS) as elsewhere:
            form: dict[str, Any] = {
                "account": answers.account,
                "decision": "allow" if answers.is_allowed else "deny",
                "scope": scopes,
                "picked": list(answers.picked),
            }
            answer = await elsewhere.post(url, data=form)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    async def walk(self, browser: httpx.AsyncClient, path: str, answers: Answers) -> httpx.Response:
        """Go from one of our links to Google and back; returns our answer to that."""
        return await browser.get(await self.decide(await self.leave(browser, path), answers))

    @asynccontextmanager
    async def sign_in(self, user: dict[str, Any]) -> AsyncIterator[httpx.AsyncClient]:
        """A browser that has signed in as a user of the demo."""
        async with self.open_browser() as browser:
            answer = await self.walk(browser, "/creator/auth/google", Answers(user["sub"]))
            assert answer.status_code == 303, answer.text
            yield browser

    @asynccontextmanager
    async def open_house(self, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[CreatorHouse]:
        """Open the same house in this process, as a worker would."""
        for name, value in self.api.environment.items():
            monkeypatch.setenv(name, value)
        async with (
            open_resources(Settings.load(), needs_store=False) as resources,
            open_creator(resources) as house,
        ):
            yield house

    @asynccontextmanager
    async def open_database(self) -> AsyncIterator[Database]:
        database = open_database(self.database_url)
        yield database
        await database.aclose()


def read_query(url: str) -> dict[str, str]:
    """Return the last value of each field of an address."""
    return {name: values[-1] for name, values in parse_qs(urlsplit(url).query).items()}
