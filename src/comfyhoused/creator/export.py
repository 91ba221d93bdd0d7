"""All that we hold of a user, as one ZIP that is made while it is sent.

Rows are written as JSON, one a line, a page at a time and each page in a transaction of its own;
pictures are stored as they are. Secrets are no data of the user's: tokens of Google's, digests of
cookies and of channels stay here.
"""

from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import inspect, select, tuple_

from comfyhoused.adapters.storage.storage import ObjectMissing
from comfyhoused.creator.edits.pictures import make_folder
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.tables import (
    Book,
    Connection,
    Delivery,
    Edit,
    Entry,
    Notification,
    Photo,
    Placement,
    Session,
    Source,
    Table,
    Upload,
    User,
)
from comfyhoused.kit.clock import get_now
from comfyhoused.kit.zip_stream import Member, stream_members

README = "README.txt"
PICTURES = "pictures"

_PAGE = 500
_INDENT = orjson.OPT_INDENT_2
#: What is written of each table, under which name.
TABLES: dict[str, type[Any]] = {
    "sessions": Session,
    "connections": Connection,
    "sources": Source,
    "photos": Photo,
    "edits": Edit,
    "deliveries": Delivery,
    "placements": Placement,
    "uploads": Upload,
    "months": Book,
    "ledger": Entry,
    "notifications": Notification,
}
#: Secrets, and how our workers share the work.
LEFT_OUT = frozenset(
    {
        "digest",
        "lease_holder",
        "lease_until",
        "next_look_at",
        "next_try_at",
        "page_token",
        "parts",
        "refreshing_until",
        "sealed_tokens",
        "session_url",
        "user_id",
    }
)
_WORDS = """Everything that this house holds of your account, made on {at}.

account.json        who you are here, your plan and your settings
*.jsonl             one JSON document a line: sources, photos, edits, deliveries, months, ledger …
pictures/           previews, and results and originals as far as they are still here; the rows
                    of photos and edits name them

Photos that we have put into your folders are there, and not in this file.
"""


def name_export(at: datetime) -> str:
    """Return the file name of an export."""
    return f"comfyhouse-{at:%Y-%m-%d}.zip"


def stream_export(house: CreatorHouse, user_id: str) -> AsyncIterator[bytes]:
    """Yield the ZIP's bytes. What is made, changed or deleted meanwhile may be in it or not."""
    return stream_members(_list_members(house, user_id))


async def _list_members(house: CreatorHouse, user_id: str) -> AsyncIterator[Member]:
    now = get_now()
    yield Member(README, now, _yield(_WORDS.format(at=f"{now:%Y-%m-%d %H:%M} UTC").encode()))
    async with house.database.begin() as session:
        user = await session.get_one(User, user_id)
    yield Member("account.json", now, _yield(orjson.dumps(_describe(user), option=_INDENT)))
    for name, table in TABLES.items():
        yield Member(f"{name}.jsonl", now, _list_rows(house, user_id, table))
    async for member in _list_pictures(house, user_id, now):
        yield member


async def _list_rows(house: CreatorHouse, user_id: str, table: type[Any]) -> AsyncIterator[bytes]:
    """Yield a table's rows, in the order of their keys."""
    keys = inspect(table).primary_key
    query = select(table).where(table.user_id == user_id).order_by(*keys).limit(_PAGE)
    after: tuple[Any, ...] | None = None
    while True:
        asked = query if after is None else query.where(tuple_(*keys) > after)
        async with house.database.begin() as session:
            rows = (await session.scalars(asked)).all()
        if rows:
            yield b"".join(orjson.dumps(_describe(row)) + b"\n" for row in rows)
            after = tuple(getattr(rows[-1], key.name) for key in keys)
        if len(rows) < _PAGE:
            return


def _describe(row: Table) -> dict[str, Any]:
    names = (column.name for column in row.__table__.columns)
    return {name: getattr(row, name) for name in names if name not in LEFT_OUT}


async def _list_pictures(house: CreatorHouse, user_id: str, at: datetime) -> AsyncIterator[Member]:
    """Yield every object of the user's, under the name that the rows know it by."""
    storage, folder = house.resources.storage, make_folder(user_id)
    async for key in storage.list_keys(folder):
        name = key.removeprefix(f"{folder}/")
        if name.startswith("uploads/"):  # parts of photos on their way into a folder
            continue
        with suppress(ObjectMissing):
            await storage.get_size(key)
            yield Member(f"{PICTURES}/{name}", at, storage.read(key))


async def _yield(content: bytes) -> AsyncIterator[bytes]:
    yield content
