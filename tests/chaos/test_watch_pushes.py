"""Pushes that never come, come twice or come late: no photo is lost, none is edited twice."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import (
    AbstractContextManager,
    AsyncExitStack,
    asynccontextmanager,
    nullcontext,
)
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from sqlalchemy import select

from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.routes import install_creator
from comfyhoused.creator.sources.sources import remove_source
from comfyhoused.creator.tables import Channel, Connection
from comfyhoused.creator.watching.channels import PUSH_PATH, drop_idle_channels, tend_channels
from comfyhoused.kit.clock import get_now
from comfyhoused.kit.crypto import make_digest
from comfyhoused.kit.ids import make_id
from tests.google import FULL_SCOPES, FakeGoogle
from tests.ports import take_port
from tests.waiting import wait_until
from tests.watch_drive import DriveStage, connect, open_drive_stage

#: Nothing is found by polls while a test runs: it has to be the pushes.
SELDOM = "60"
OFTEN = "0.3"


class PushStage:
    """A watched Drive; Google's calls reach `url`."""

    def __init__(self, drive: DriveStage, url: str) -> None:
        self.drive = drive
        self.url = url

    async def list_channels(self) -> list[Channel]:
        async with self.drive.house.database.begin() as session:
            return list(await session.scalars(select(Channel).order_by(Channel.created_at)))

    async def wait_open(self) -> Channel:
        """Wait until a channel is open and Google's greeting was taken; returns the channel."""

        async def is_greeted() -> bool:
            pushes = self.drive.google.list_pushes()
            return bool(await self.list_channels()) and any(one["status"] == 204 for one in pushes)

        await wait_until(is_greeted)
        (channel,) = await self.list_channels()
        return channel


@pytest.fixture
async def open_stage(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    google: FakeGoogle,
    database_url: str,
    valkey_url: str,
) -> AsyncIterator[Any]:
    """Return what opens the stage with this pause between polls."""
    async with AsyncExitStack() as stack:

        async def open_with(poll_seconds: str) -> PushStage:
            port = take_port()
            opening = open_drive_stage(
                tmp_path,
                monkeypatch.setenv,
                google,
                database_url=database_url,
                redis_url=valkey_url,
                CH_PUBLIC_URL=f"http://127.0.0.1:{port}",
                CH_POLL_SECONDS=poll_seconds,
            )
            drive = await stack.enter_async_context(opening)
            await stack.enter_async_context(serve_pushes(drive.house, port))
            return PushStage(drive, f"http://127.0.0.1:{port}")

        yield open_with


class _QuietServer(uvicorn.Server):
    """A server that leaves signals to those who run the tests."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return nullcontext()


@asynccontextmanager
async def serve_pushes(house: CreatorHouse, port: int) -> AsyncIterator[None]:
    """Serve Creator, Google's way to call us with it, on that port."""
    app = FastAPI()
    app.state.creator = house
    install_creator(app)
    config = uvicorn.Config(app, port=port, log_config=None, lifespan="off")
    server = _QuietServer(config)
    with socket.create_server(("127.0.0.1", port)) as listening:
        serving = asyncio.create_task(server.serve([listening]))
        try:
            yield
        finally:
            server.should_exit = True
            await serving


@pytest.mark.parametrize(
    "photos", [34, pytest.param(1000, marks=[pytest.mark.soak, pytest.mark.timeout(1200)])]
)
@pytest.mark.parametrize(
    ("pushes", "poll_seconds"), [("drop", OFTEN), ("double", SELDOM), ("hold", OFTEN)]
)
async def test_no_photo_is_lost_or_doubled(
    open_stage: Any, pushes: str, poll_seconds: str, photos: int
) -> None:
    stage: PushStage = await open_stage(poll_seconds)
    drive, google = stage.drive, stage.drive.google
    async with drive.watch.watching(count=2):
        await drive.wait_followed()
        await stage.wait_open()
        google.set_switch(pushes=pushes)
        folders = [
            google.add_folder(drive.person, f"Day {number}", drive.raw["id"])["id"]
            for number in range(3)
        ]
        for number in range(photos):
            await asyncio.to_thread(
                drive.drop, f"{number}.jpg", b"%d" % number, folders[number % 3]
            )
        await drive.watch.wait_states(complete=photos)
        if pushes == "hold":
            # Ten minutes late, so to speak: everything was found without them.
            assert google.release_pushes() > 0
        await wait_until(lambda: are_quiet(google, pushes))
    edits = await drive.watch.list_edits()
    assert len(edits) == photos
    assert len({one.photo_id for one in edits}) == photos


def are_quiet(google: FakeGoogle, pushes: str) -> bool:
    """Tell whether every push that is to come was answered."""
    sent = google.list_pushes()
    least = 1 if pushes == "drop" else 2
    # 503: Postgres was busy for a moment, and Google calls again.
    return len(sent) >= least and {one["status"] for one in sent} <= {204, 503}


async def test_channels_are_google_s_own_overlap_and_end_with_their_source(open_stage: Any) -> None:
    stage: PushStage = await open_stage(SELDOM)
    drive = stage.drive
    async with drive.watch.watching():
        await drive.wait_followed()
        channel = await stage.wait_open()
    connection = await drive.get_connection()
    await tend_channels(drive.house, connection)
    assert len(await stage.list_channels()) == 1, "the one that is open lasts"
    async with drive.house.database.begin() as session:
        (await session.get_one(Channel, channel.id)).expires_at = get_now()
    await tend_channels(drive.house, connection)
    assert len(list_open(drive)) == 2, "the next is open before the last has ended"
    async with drive.house.database.begin() as session:
        await remove_source(session, drive.watch.user.id, drive.source.id)
    await drop_idle_channels(drive.house)
    assert await stage.list_channels() == []
    assert list_open(drive) == [channel.id], "it ends by itself"
    await check_only_google_rings(stage)


def list_open(drive: DriveStage) -> list[str]:
    """Return the ids of the person's channels that Google has open."""
    channels = drive.google.list_channels()
    return [one["id"] for one in channels if one["sub"] == drive.person["sub"]]


async def check_only_google_rings(stage: PushStage) -> None:
    """Try to ring without the channel's token, and with it.

    The channel is one that Google does not know, and nobody watches its connection: nothing but
    these calls can move its next look.
    """
    drive, token = stage.drive, "the channel's token"
    person = drive.google.add_user(f"{make_id('eve', 8)}@demo.example")
    other = await connect(drive.house, drive.watch.user, drive.google, person, FULL_SCOPES)
    later = get_now() + timedelta(hours=1)
    channel = Channel(
        id=make_id("channel"),
        connection_id=other.id,
        token_digest=make_digest(token),
        expires_at=later,
    )
    async with drive.house.database.begin() as session:
        (await session.get_one(Connection, other.id)).next_look_at = later
        session.add(channel)

    async def ring(**headers: str) -> tuple[int, bool]:
        """Return the answer's status and whether the feed is to be read now."""
        sent = {f"X-Goog-Channel-{name.title()}": value for name, value in headers.items()}
        async with httpx.AsyncClient(base_url=stage.url) as client:
            answer = await client.post(PUSH_PATH, headers=sent)
        async with drive.house.database.begin() as session:
            connection = await session.get_one(Connection, other.id)
        return answer.status_code, connection.next_look_at < later

    assert await ring() == (404, False)
    assert await ring(id=channel.id) == (404, False)
    assert await ring(id=channel.id, token="a guess") == (404, False)
    assert await ring(id=channel.id, token=channel.token_digest) == (404, False)
    assert await ring(id="another", token=token) == (404, False)
    assert await ring(id=channel.id, token=token) == (204, True)
