"""A look at one source: list it where that is due, take in what is new, settle what was seen.

Local folders are listed at every look, once a second while somebody holds them; Drive's when the
source is new, once an hour, and after anything that may have been missed. Of shared drives no
user's feed tells everything: folders there are listed as often as the feed is read.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, update

from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.intake import Look, take_in
from comfyhoused.creator.news import tell
from comfyhoused.creator.sources.folder import FileGone, SeenFile, SourceFolder
from comfyhoused.creator.sources.opening import list_apart, open_drive_folder, open_folder
from comfyhoused.creator.tables import Photo, Source
from comfyhoused.creator.watching.memory import Memory
from comfyhoused.creator.watching.settling import settle_photos
from comfyhoused.kit.clock import get_now

_BATCH = 500
_LOCAL_SECONDS = 1.0
#: How long one claim of a local folder is used, where no others wait for their turn.
STINT_SECONDS = 15.0
_AFTER_SETTLING_SECONDS = 0.05
_SETTLES_PER_LISTING = 4
#: Listing a large folder, or a slow one, takes at most such a share of the time.
_LISTING_SHARE = 0.1
_SELDOM_SECONDS = 30.0


async def look_at_source(
    house: CreatorHouse, source: Source, memory: Memory, stint_seconds: float = STINT_SECONDS
) -> datetime:
    """Look at a claimed source; returns when the next look is due.

    `memory` is of the looks before. A local folder is looked at again and again for
    `stint_seconds`, at least once. Raises what the folder raises (`SourceFolder`); what was
    stored by then is stored.
    """
    async with house.database.begin() as session:
        apart = await list_apart(session, source)
    if source.kind == "local":
        folder = open_folder(house, source, apart)
        return await _watch_for_a_while(house, source, folder, memory, stint_seconds)
    drive_folder = open_drive_folder(house, source, apart)
    if memory.is_in_shared_drive is None:
        memory.is_in_shared_drive = await drive_folder.is_in_shared_drive()
    pause = _find_listing_pause(house, memory)
    if source.reconciled_at is None or get_now() >= source.reconciled_at + pause:
        memory.forget()
        await _list_whole(house, source, drive_folder, memory)
    await settle_photos(house, source, drive_folder)
    return await _find_next_look(house, source, memory)


async def _watch_for_a_while(
    house: CreatorHouse,
    source: Source,
    folder: SourceFolder,
    memory: Memory,
    stint_seconds: float,
) -> datetime:
    ends = time.monotonic() + stint_seconds
    usual = min(_LOCAL_SECONDS, house.settings.settle_look_seconds)
    if not memory.holds_for(source):
        memory.forget()
    while True:
        await _list_whole(house, source, folder, memory)
        pause = max(usual, min(memory.listing_seconds / _LISTING_SHARE, _SELDOM_SECONDS))
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


def _find_listing_pause(house: CreatorHouse, memory: Memory) -> timedelta:
    seconds = house.settings.reconcile_seconds
    if memory.is_in_shared_drive:
        seconds = min(seconds, house.settings.poll_seconds)
    return timedelta(seconds=max(seconds, memory.listing_seconds / _LISTING_SHARE))


async def _list_whole(
    house: CreatorHouse, source: Source, folder: SourceFolder, memory: Memory
) -> None:
    """List the source and take in what is new; a first listing is done when it is done whole."""
    began_at, began = get_now(), time.monotonic()
    files = {seen.key: seen async for seen in folder.list_raw()}
    memory.listing_seconds = time.monotonic() - began
    is_first = source.reconciled_at is None
    if is_first or source.kind != "local" or files != memory.files:
        changed = [seen for seen in files.values() if memory.files.get(seen.key) != seen]
        taking = _Taking(house, source, folder, frozenset(files), is_first)
        await taking.take_in(changed)
        if changed:
            await tell(house.resources.store, source.user_id, "photos.changed", {})
        await _note_listed(house, source, began_at)
    memory.note(source, files)


@dataclass(frozen=True, slots=True)
class _Taking:
    """Taking in what a whole listing has shown; `present` are the keys of all its files."""

    house: CreatorHouse
    source: Source
    folder: SourceFolder
    present: frozenset[str]
    is_first: bool

    async def take_in(self, files: Sequence[SeenFile]) -> None:
        """Store the files, some hundreds in each transaction."""
        for start in range(0, len(files), _BATCH):
            doubtful = await self._store(files[start : start + _BATCH], {})
            samples = await self._read_samples(doubtful)
            if samples:
                await self._store([one for one in doubtful if one.key in samples], samples)

    async def _store(
        self, files: Sequence[SeenFile], samples: Mapping[str, str]
    ) -> Sequence[SeenFile]:
        look = Look(files, is_first=self.is_first, present=self.present, samples=samples)
        async with self.house.database.begin() as session:
            return await take_in(session, self.source.id, look)

    async def _read_samples(self, files: Sequence[SeenFile]) -> dict[str, str]:
        """Return samples by the files' keys; what has gone or changed again is in none."""
        samples: dict[str, str] = {}
        for seen in files:
            with suppress(FileGone):
                samples[seen.key] = await self.folder.read_sample(seen)
        return samples


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


async def _find_next_look(house: CreatorHouse, source: Source, memory: Memory) -> datetime:
    """Return when the first photo may be settled, else when the next listing is due."""
    async with house.database.begin() as session:
        first: datetime | None = await session.scalar(
            select(func.min(Photo.looked_at)).where(
                Photo.source_id == source.id, Photo.state == "seen"
            )
        )
    if first is not None:
        wait = timedelta(seconds=house.settings.settle_look_seconds + _AFTER_SETTLING_SECONDS)
        return max(first + wait, get_now() + timedelta(seconds=_AFTER_SETTLING_SECONDS))
    assert source.reconciled_at is not None
    return source.reconciled_at + _find_listing_pause(house, memory)
