"""A user whose Drive is connected and watched, on a demo Google, for tests of watching."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from comfyhoused.creator.connections import Tokens, seal_tokens
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.sources.drive import DriveFolder
from comfyhoused.creator.sources.opening import open_drive_folder
from comfyhoused.creator.sources.sources import NewSource, create_source
from comfyhoused.creator.tables import Connection, Source, User
from comfyhoused.kit.clock import get_now
from comfyhoused.kit.ids import make_id
from tests.google import FULL_SCOPES, Document, FakeGoogle
from tests.waiting import wait_until
from tests.watch_stage import WatchStage, open_watch_stage


@dataclass
class DriveStage:
    """`raw` and `edited` are folders of the person's Drive, watched by `source`."""

    watch: WatchStage
    google: FakeGoogle
    person: Document
    connection: Connection
    raw: Document
    edited: Document
    source: Source

    @property
    def house(self) -> CreatorHouse:
        return self.watch.house

    @property
    def folder(self) -> DriveFolder:
        """The source's folders, as everybody opens them."""
        return open_drive_folder(self.house, self.source)

    def drop(self, name: str, content: bytes | None = None, parent: str = "", **more: Any) -> str:
        """Drop a file into Raw (or a folder below it) by hand; returns its id."""
        bytes_ = name.encode() if content is None else content
        file = self.google.add_file(self.person, name, bytes_, parent or self.raw["id"], **more)
        return str(file["id"])

    async def add_source(self, raw: Document, edited: Document, **more: Any) -> Source:
        """Store another source of this Drive."""
        new = NewSource(
            kind="drive",
            name=raw["name"],
            raw_key=raw["id"],
            edited_key=edited["id"],
            connection_id=self.connection.id,
            preset=more.pop("preset", "cinematic"),
            **more,
        )
        async with self.house.database.begin() as session:
            return await create_source(session, self.watch.user.id, new)

    async def get_connection(self) -> Connection:
        """Return the connection as it is now."""
        async with self.house.database.begin() as session:
            return await session.get_one(Connection, self.connection.id)

    async def wait_followed(self) -> None:
        """Wait until the feed is being read and the source was listed."""

        async def is_followed() -> bool:
            return (await self.get_connection()).page_token is not None

        await wait_until(is_followed)
        await self.watch.wait_listed(self.source)


@asynccontextmanager
async def open_drive_stage(
    folder: Path,
    set_variable: Callable[[str, str], object],
    google: FakeGoogle,
    *,
    scopes: str = FULL_SCOPES,
    **arguments: Any,
) -> AsyncIterator[DriveStage]:
    """Open a house that takes `google` for Google, with a user who has connected their Drive."""
    email = f"{make_id('ada', 8)}@demo.example"
    person = google.add_user(email)
    told = {**google.environment, **arguments}
    async with open_watch_stage(folder, set_variable, **told) as watch:
        connection = await connect(watch.house, watch.user, google, person, scopes)
        raw, edited = (google.add_folder(person, name) for name in ("Raw", "Edited"))
        stage = DriveStage(watch, google, person, connection, raw, edited, Source())
        stage.source = await stage.add_source(raw, edited)
        yield stage


async def connect(
    house: CreatorHouse, user: User, google: FakeGoogle, person: Document, scopes: str
) -> Connection:
    """Store a connection as if the user had just allowed it."""
    granted = google.allow(person, scopes)
    connection_id = make_id("connection")
    tokens = Tokens(access_token=granted["access_token"], refresh_token=granted["refresh_token"])
    connection = Connection(
        id=connection_id,
        user_id=user.id,
        google_sub=person["sub"],
        email=person["email"],
        scopes=granted["scope"],
        mode="full",
        sealed_tokens=seal_tokens(house.google.vault, connection_id, user.id, tokens),
        expires_at=get_now() + timedelta(seconds=granted["expires_in"]),
        refreshed_at=get_now(),
    )
    async with house.database.begin() as session:
        session.add(connection)
    return connection
