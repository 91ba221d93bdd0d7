"""What we put into users' folders: remembered before it is there, known when it comes back."""

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Collection
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.creator.tables import Placement

_READ_BYTES = 1 << 20


async def read_digest(content: Path) -> str:
    """Return the MD5 of a file as hex: not a seal, but the one that Drive tells of its files."""
    return await asyncio.to_thread(_read_digest, content)


async def plan_place(session: AsyncSession, placement: Placement) -> bool:
    """Store where a file will be put; False where its place is another's.

    A key that is known keeps the place it has, if it has one.
    """
    values = {
        "key": placement.key,
        "user_id": placement.user_id,
        "is_result": placement.is_result,
        "size_bytes": placement.size_bytes,
        "digest": placement.digest,
        "place": placement.place,
    }
    # Two that choose the same name at once go one after the other.
    await session.execute(
        select(func.pg_advisory_xact_lock(func.hashtextextended(placement.place, 0)))
    )
    taken = await session.scalar(select(Placement.key).where(Placement.place == placement.place))
    if taken is not None:
        return taken == placement.key
    await session.execute(
        insert(Placement)
        .values(values)
        .on_conflict_do_update(
            index_elements=["key"],
            set_={"place": func.coalesce(Placement.place, placement.place)},
        )
    )
    return True


async def give_up_place(session: AsyncSession, key: str) -> None:
    """Forget where the file was to be put; it was not."""
    await session.execute(update(Placement).where(Placement.key == key).values(place=None))


async def remember_upload(session: AsyncSession, placement: Placement) -> None:
    """Store what is about to be uploaded; again is the same."""
    await session.execute(
        insert(Placement)
        .values(
            key=placement.key,
            user_id=placement.user_id,
            is_result=placement.is_result,
            size_bytes=placement.size_bytes,
            digest=placement.digest,
        )
        .on_conflict_do_nothing(index_elements=["key"])
    )


async def find_placement(session: AsyncSession, key: str) -> Placement | None:
    """Return what was put under this upload key."""
    return await session.get(Placement, key)


async def list_result_digests(
    session: AsyncSession, user_id: str, sizes: Collection[int]
) -> dict[int, frozenset[str]]:
    """Return the digests of the user's results by their sizes: few, mostly none."""
    rows = await session.execute(
        select(Placement.size_bytes, Placement.digest).where(
            Placement.user_id == user_id,
            Placement.size_bytes.in_(sizes),
            Placement.is_result,
        )
    )
    found: dict[int, set[str]] = defaultdict(set)
    for size_bytes, digest in rows:
        found[size_bytes].add(digest)
    return {size_bytes: frozenset(digests) for size_bytes, digests in found.items()}


def digest_file(file: BinaryIO) -> str:
    """Return the MD5 of an open file as hex."""
    digest = hashlib.md5(usedforsecurity=False)
    while part := file.read(_READ_BYTES):
        digest.update(part)
    return digest.hexdigest()


def _read_digest(content: Path) -> str:
    with content.open("rb") as file:
        return digest_file(file)
