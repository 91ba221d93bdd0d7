"""The second look: a file that still looks the same is whole, and is edited."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.creator.edits.creating import edit_photo
from comfyhoused.creator.edits.finding import tell_edit
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.intake import Look, skip_photos, take_in
from comfyhoused.creator.moves import know_by_sample
from comfyhoused.creator.news import tell
from comfyhoused.creator.skips import find_skip_code
from comfyhoused.creator.sources.folder import FileGone, SeenFile, SourceFolder
from comfyhoused.creator.sources.placements import list_result_digests
from comfyhoused.creator.tables import Edit, Photo, Source

_AT_ONCE = 8
_PER_LOOK = 400


@dataclass(frozen=True, slots=True)
class _Found:
    """A photo that was due, and its file as it is now (None: gone), with a sample of it."""

    photo: Photo
    seen: SeenFile | None
    is_ours: bool = False
    sample: str = ""


async def settle_photos(house: CreatorHouse, source: Source, folder: SourceFolder) -> int:
    """Look again at every photo of the source that is due; returns how many were due.

    Raises what the folder raises; what was settled by then stays settled.
    """
    photos, results = await _list_due(house, source)
    slots = asyncio.Semaphore(_AT_ONCE)

    async def settle(photo: Photo) -> None:
        async with slots:
            await _settle(house, folder, photo, results.get(photo.size_bytes, frozenset()))

    tasks = [asyncio.create_task(settle(photo)) for photo in photos]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if photos:  # that one waits or is skipped is told by nothing else
            await tell(house.resources.store, source.user_id, "photos.changed", {})
    return len(photos)


async def _list_due(
    house: CreatorHouse, source: Source
) -> tuple[Sequence[Photo], Mapping[int, frozenset[str]]]:
    """Return the photos, and the digests of results of ours that are as long as any of them."""
    settled = timedelta(seconds=house.settings.settle_look_seconds)
    async with house.database.begin() as session:
        rows = await session.scalars(
            select(Photo)
            .where(
                Photo.source_id == source.id,
                Photo.state == "seen",
                Photo.looked_at <= func.clock_timestamp() - settled,
            )
            .order_by(Photo.looked_at)
            .limit(_PER_LOOK)
        )
        photos = rows.all()
        if not photos:
            return (), {}
        sizes = {photo.size_bytes for photo in photos}
        return photos, await list_result_digests(session, source.user_id, sizes)


async def _settle(
    house: CreatorHouse, folder: SourceFolder, photo: Photo, results: Collection[str]
) -> None:
    found = await _look(folder, photo, results)
    async with house.database.begin() as session:
        edit = await _decide(session, house, found)
    if edit is not None:
        await tell_edit(house, edit)


async def _look(folder: SourceFolder, photo: Photo, results: Collection[str]) -> _Found:
    """Look at the file, and where it is as long as a result of ours, at its bytes."""
    try:
        seen = await folder.look(photo.file_key)
        if seen.revision != photo.revision:
            return _Found(photo, seen)
        is_ours = bool(results) and await folder.read_digest(seen) in results
        sample = await folder.read_sample(seen)
    except FileGone:
        return _Found(photo, None)
    return _Found(photo, seen, is_ours, sample)


async def _decide(session: AsyncSession, house: CreatorHouse, found: _Found) -> Edit | None:
    source = await session.get(Source, found.photo.source_id, with_for_update={"key_share": True})
    photo = await session.get(Photo, found.photo.id, with_for_update=True, populate_existing=True)
    if source is None or photo is None or source.state not in ("active", "broken"):
        return None  # paused or removed meanwhile: it is looked at again when it goes on
    seen = found.seen
    if photo.state != "seen" or photo.revision != found.photo.revision:
        return None  # another has settled it
    if seen is None:
        await skip_photos(session, [photo.id], "file_gone")
    elif seen.revision != photo.revision:
        # A single file tells its name, but not where below Raw it lies.
        await take_in(session, source.id, Look([replace(seen, folder=photo.folder)]))
    elif code := _find_code(found, seen):
        await skip_photos(session, [photo.id], code)
    elif not seen.is_whole:
        photo.looked_at = func.clock_timestamp()
    else:
        photo.known_by = know_by_sample(found.sample)
        return await edit_photo(session, house, photo, source)
    return None


def _find_code(found: _Found, seen: SeenFile) -> str | None:
    if found.is_ours:
        return "ours"
    return find_skip_code(seen) or ("empty" if seen.size_bytes == 0 else None)
