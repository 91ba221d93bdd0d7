"""A look at one source: list it where that is due, take in what is new, settle what was seen.

Local folders are listed at every look, once a second while somebody holds them; Drive's when the
source is new, once an hour, and after anything that may have been missed.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import func, select, update

from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.intake import Look, take_in
from comfyhoused.creator.sources.folder import SeenFile, SourceFolder
from comfyhoused.creator.sources.opening import list_apart, open_folder
from comfyhoused.creator.tables import Photo, Source
from comfyhoused.creator.watching.settling import settle_photos
from comfyhoused.kit.clock import get_now

_BATCH = 500
_LOCAL_SECONDS = 1.0
#: How long one claim of a local folder is used, where no others wait for their turn.
STINT_SECONDS = 15.0
_AFTER_SETTLING_SECONDS = 0.05
_SETTLES_PER_LISTING = 4
_STIRRED_SECONDS = 5.0


@dataclass(slots=True)
class _Memory:
    """What a local folder looked like last time, so that only what differs is compared again."""

    files: Mapping[str, SeenFile] = field(default_factory=dict)
    changed_at: float = -STINT_SECONDS

    @property
    def is_stirred(self) -> bool:
        """Whether something has changed so shortly before that it may not be settled yet."""
        return time.monotonic() - self.changed_at < _STIRRED_SECONDS


async def look_at_source(
    house: CreatorHouse, source: Source, stint_seconds: float = STINT_SECONDS
) -> datetime:
    """Look at a claimed source; returns when the next look is due.

    A local folder is looked at again and again for `stint_seconds`, at least once. Raises
    what the folder raises (`SourceFolder`); what was stored by then is stored.
    """
    async with house.database.begin() as session:
        apart = await list_apart(session, source)
    folder = open_folder(house, source, apart)
    if source.kind == "local":
        return await _watch_for_a_while(house, source, folder, stint_seconds)
    if _is_listing_due(house, source):
        await _list_whole(house, source, folder)
    await settle_photos(house, source, folder)
    return await _find_next_look(house, source)


async def _watch_for_a_while(
    house: CreatorHouse, source: Source, folder: SourceFolder, stint_seconds: float
) -> datetime:
    ends = time.monotonic() + stint_seconds
    memory = _Memory()
    pause = min(_LOCAL_SECONDS, house.settings.settle_look_seconds)
    while True:
        await _list_whole(house, source, folder, memory)
        await settle_photos(house, source, folder)
        # One that works again is to be seen as such at once.
        if time.monotonic() >= ends or source.state != "active" or source.problem is not None:
            return get_now() + timedelta(seconds=pause)
        if not memory.is_stirred:
            await asyncio.sleep(pause)
            continue
        # Something came: it is settled as soon as it may be, not at the next listing.
        for _ in range(_SETTLES_PER_LISTING):
            await asyncio.sleep(pause / _SETTLES_PER_LISTING)
            await settle_photos(house, source, folder)


def _is_listing_due(house: CreatorHouse, source: Source) -> bool:
    if source.reconciled_at is None:
        return True
    age = (get_now() - source.reconciled_at).total_seconds()
    return age >= house.settings.reconcile_seconds


async def _list_whole(
    house: CreatorHouse, source: Source, folder: SourceFolder, memory: _Memory | None = None
) -> None:
    """List the source and take in what is new; a first listing is done when it is done whole."""
    began_at = get_now()
    files = {seen.key: seen async for seen in folder.list_raw()}
    known = memory.files if memory is not None else {}
    is_first = source.reconciled_at is None
    if is_first or memory is None or files != known:
        changed = [seen for seen in files.values() if known.get(seen.key) != seen]
        await _take_in_batches(house, source, changed, frozenset(files), is_first=is_first)
        await _note_listed(house, source, began_at)
    if memory is not None:
        memory.changed_at = memory.changed_at if files == known else time.monotonic()
        memory.files = files


async def _take_in_batches(
    house: CreatorHouse,
    source: Source,
    files: list[SeenFile],
    present: frozenset[str],
    *,
    is_first: bool,
) -> None:
    for start in range(0, len(files), _BATCH):
        look = Look(files[start : start + _BATCH], is_first=is_first, present=present)
        async with house.database.begin() as session:
            await take_in(session, source.id, look)


async def _note_listed(house: CreatorHouse, source: Source, began_at: datetime) -> None:
    """Remember that it was listed, unless somebody has asked for another listing meanwhile.

    Photos that are not there any more need no word: the second look finds that out.
    """
    was_at = source.reconciled_at
    async with house.database.begin() as session:
        await session.execute(
            update(Source)
            .where(Source.id == source.id, Source.reconciled_at.is_not_distinct_from(was_at))
            .values(reconciled_at=began_at)
        )
    source.reconciled_at = began_at


async def _find_next_look(house: CreatorHouse, source: Source) -> datetime:
    """Return when the first photo may be settled, else when the next listing is due."""
    settings = house.settings
    async with house.database.begin() as session:
        first: datetime | None = await session.scalar(
            select(func.min(Photo.looked_at)).where(
                Photo.source_id == source.id, Photo.state == "seen"
            )
        )
    if first is not None:
        wait = timedelta(seconds=settings.settle_look_seconds + _AFTER_SETTLING_SECONDS)
        return max(first + wait, get_now() + timedelta(seconds=_AFTER_SETTLING_SECONDS))
    assert source.reconciled_at is not None
    return source.reconciled_at + timedelta(seconds=settings.reconcile_seconds)
