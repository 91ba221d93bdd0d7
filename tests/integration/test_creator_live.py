"""/creator/news to open pages: it ends with the session, and a user has only so many."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from comfyhoused.creator.erasure import request_erasure
from comfyhoused.creator.news import tell
from comfyhoused.creator.sessions import COOKIE, end_session_of_cookie
from comfyhoused.creator.streams import MOST_STREAMS
from comfyhoused.creator.tables import Session, User
from comfyhoused.kit.clock import get_now
from tests.api_process import LoneApi
from tests.creator_sign_in import create_user, sign_in_creator
from tests.processes import ServerProcess
from tests.waiting import PATIENCE_SECONDS
from tests.watch_stage import WatchStage, put

Events = AsyncIterator[tuple[str, Any]]


@pytest.fixture
def api(stage: WatchStage, tmp_path: Path, started: list[ServerProcess]) -> LoneApi:
    api = LoneApi(tmp_path / "api", stage.environment["CH_REDIS_URL"], **stage.environment)
    started.append(api)
    api.start()
    return api


@asynccontextmanager
async def follow(page: httpx.AsyncClient) -> AsyncIterator[Events]:
    """Open the stream as a page does; yields its events, of which `look` has come already."""
    async with page.stream("GET", "/creator/news") as answer:
        assert answer.status_code == 200
        events = read_events(answer)
        assert (await anext(events))[0] == "look"
        yield events


async def read_events(answer: httpx.Response) -> Events:
    kind = ""
    async for line in answer.aiter_lines():
        name, _, value = line.partition(": ")
        if name == "event":
            kind = value
        elif name == "data":
            yield kind, json.loads(value)


async def read_end(events: Events) -> str:
    """Return the kind of the last event; fails where the stream goes on."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        return [kind async for kind, _ in events][-1]


async def test_a_stream_ends_with_its_session_and_only_with_that(
    stage: WatchStage, api: LoneApi
) -> None:
    database, store = stage.house.database, stage.house.resources.store
    bob = await create_user(database, "bob@example.com")
    eve = await create_user(database, "eve@example.com")
    async with AsyncExitStack() as stack:
        pages = [
            await stack.enter_async_context(await sign_in_creator(api.url, database, user_id))
            for user_id in (stage.user.id, bob.id, eve.id, stage.user.id)
        ]
        ended, expired, leaving, staying = [
            await stack.enter_async_context(follow(page)) for page in pages
        ]
        async with database.begin() as session:
            await end_session_of_cookie(session, pages[0].cookies[COOKIE.name])
            of_bob = update(Session).where(Session.user_id == bob.id)
            await session.execute(of_bob.values(expires_at=get_now()))
        await request_erasure(stage.house, eve.id)
        assert [await read_end(one) for one in (ended, expired, leaving)] == ["ended"] * 3
        await tell(store, stage.user.id, "bell", {})
        assert await anext(staying) == ("bell", {"type": "bell"})
        refused = await pages[0].get("/creator/news", headers={"Accept": "text/event-stream"})
        assert refused.status_code == 401


async def test_of_too_many_streams_the_oldest_rests(stage: WatchStage, api: LoneApi) -> None:
    database = stage.house.database
    async with AsyncExitStack() as stack:
        page = await stack.enter_async_context(
            await sign_in_creator(api.url, database, stage.user.id)
        )
        opened = [await stack.enter_async_context(follow(page)) for _ in range(MOST_STREAMS + 1)]
        assert await read_end(opened[0]) == "rest"
        await tell(stage.house.resources.store, stage.user.id, "bell", {})
        for events in opened[1:]:
            async with asyncio.timeout(PATIENCE_SECONDS):
                assert (await anext(events))[0] == "bell"


async def test_pages_are_told_of_photos_that_wait_and_of_those_that_are_skipped(
    stage: WatchStage, api: LoneApi
) -> None:
    database = stage.house.database
    async with database.begin() as session:
        user = await session.get_one(User, stage.user.id)
        user.plan, user.overage_cap_cents = "free", 0
    source = await stage.add_source()
    async with (
        await sign_in_creator(api.url, database, stage.user.id) as page,
        follow(page) as events,
        stage.watching(),
    ):
        await stage.wait_listed(source)
        for number in range(11):
            put(stage.raw / f"{number}.jpg")
        await wait_told(page, events, "One photo waits for your plan")
        put(stage.raw / "empty.jpg", b"")
        await wait_told(page, events, "One file was skipped: empty.jpg")


async def wait_told(page: httpx.AsyncClient, events: Events, words: str) -> None:
    """Look at home again whenever the news say that photos have changed, until it says this."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        async for kind, _ in events:
            if kind == "photos.changed" and words in (await page.get("/creator/home/parts")).text:
                return
    raise AssertionError(f"the stream ended before home said: {words}")
