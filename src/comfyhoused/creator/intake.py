"""From files that a look at a folder shows to photos that we keep: each file has its row.

Everything here may be done again, by several at once, in any order: a photo is (source, file,
revision), and what is known already changes nothing. A row that has no edit yet is taken over by
the file's next revision, so that a file that grows is one photo and not many.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import exists, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.creator.moves import find_moves, know_by_inode
from comfyhoused.creator.skips import find_skip_code
from comfyhoused.creator.sources.folder import SeenFile
from comfyhoused.creator.tables import Edit, Photo, Source
from comfyhoused.kit.clock import get_now
from comfyhoused.kit.ids import make_id

#: Rows that no edit is made of (yet): the next revision of the file takes them over.
_OPEN_STATES = ("seen", "backlog", "waiting", "skipped")
#: What kept us from a file, and may pass without its bytes being others.
_PASSING = ("file_gone", "no_access")
#: Clocks differ: what came within so long before the source was connected counts as new.
_CLOCK_SLACK = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at a source has shown.

    `is_first`: nothing was seen before, so that what had been there before is backlog. `present`:
    the keys of all files, where the look was at the whole source; it tells moves from copies.
    `samples`: of files that may have been moved, by their keys (`SourceFolder.read_sample`).
    """

    files: Sequence[SeenFile]
    is_first: bool = False
    present: Collection[str] | None = None
    samples: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Known:
    """The rows of one file."""

    by_revision: dict[str, Photo] = field(default_factory=dict)
    open_row: Photo | None = None


async def take_in(session: AsyncSession, source_id: str, look: Look) -> list[SeenFile]:
    """Store what was seen; returns files that may be photos under other names.

    Those are not stored yet: samples of them are to be read, and they are taken in again with
    these. Files of a source that was removed are passed by.
    """
    # One intake at a time per source; those who only refer to it are not held up.
    source = await session.get(Source, source_id, with_for_update={"key_share": True})
    if source is None or source.state == "removed":
        return []
    known = await _list_known(session, source, [seen.key for seen in look.files])
    fresh: list[SeenFile] = []
    for seen in look.files:
        row = known.get(seen.key)
        if row is None:
            fresh.append(seen)
        elif same := row.by_revision.get(seen.revision):
            _note_again(same, seen)
        elif row.open_row is not None:
            _take_over(row.open_row, seen)
        else:
            fresh.append(seen)
    if not fresh or look.present is None or source.kind != "local":
        await _insert(session, source, fresh, look)
        return []
    moves = await find_moves(session, source.id, fresh, look.present, look.samples)
    for photo, seen in moves.moved:
        photo.file_key = seen.key
        _note_again(photo, seen)
    await _insert(session, source, moves.new, look)
    return moves.doubtful


async def note_files_gone(
    session: AsyncSession, source_ids: Sequence[str], keys: Sequence[str]
) -> None:
    """Skip photos of these files, which are gone or not ours to see, where no edit has begun."""
    rows = await session.scalars(
        select(Photo.id).where(
            Photo.source_id.in_(source_ids),
            Photo.file_key.in_(keys),
            Photo.state == "seen",
        )
    )
    await skip_photos(session, list(rows), "file_gone")


async def skip_photos(session: AsyncSession, photo_ids: Sequence[str], code: str) -> None:
    """Say of these photos, where no edit was made of them, why not."""
    if photo_ids:
        await session.execute(
            update(Photo)
            .where(Photo.id.in_(photo_ids), Photo.state == "seen")
            .values(state="skipped", skip_code=code, skip_detail=None)
        )


async def _list_known(
    session: AsyncSession, source: Source, keys: Sequence[str]
) -> dict[str, _Known]:
    has_edit = exists().where(Edit.photo_id == Photo.id)
    rows = await session.execute(
        select(Photo, has_edit)
        .where(Photo.source_id == source.id, Photo.file_key.in_(keys))
        .order_by(Photo.seen_at)
    )
    known: dict[str, _Known] = {}
    for photo, is_edited in rows:
        one = known.setdefault(photo.file_key, _Known())
        one.by_revision[photo.revision] = photo
        if photo.state in _OPEN_STATES and not is_edited:
            one.open_row = photo
    return known


def _note_again(photo: Photo, seen: SeenFile) -> None:
    """The same bytes: they may have another name or place now, or be ours to read again."""
    if (photo.name, photo.folder) != (seen.name, seen.folder):
        photo.name, photo.folder = seen.name, seen.folder
    if photo.state == "skipped" and photo.skip_code in _PASSING:
        _take_over(photo, seen)


def _take_over(photo: Photo, seen: SeenFile) -> None:
    """Make the row the file's as it is now; what waits for its owner's choice goes on waiting."""
    photo.revision, photo.name, photo.folder = seen.revision, seen.name, seen.folder
    photo.size_bytes, photo.content_type = seen.size_bytes, seen.content_type
    photo.looked_at, photo.known_by = get_now(), know_by_inode(seen)
    photo.skip_code, photo.skip_detail = find_skip_code(seen), None
    if photo.skip_code:
        photo.state = "skipped"
    elif photo.state != "backlog":
        photo.state = "seen"


async def _insert(
    session: AsyncSession, source: Source, fresh: Sequence[SeenFile], look: Look
) -> None:
    if fresh:
        # Rows as parameters: a statement that held them all would be written anew for each look.
        await session.execute(
            insert(Photo).on_conflict_do_nothing(
                index_elements=["source_id", "file_key", "revision"]
            ),
            [_make_row(source, seen, look) for seen in fresh],
        )


def _make_row(source: Source, seen: SeenFile, look: Look) -> dict[str, object]:
    code = find_skip_code(seen)
    is_backlog = (
        look.is_first and source.backlog == "skip" and not _came_since(seen, source.created_at)
    )
    return {
        "id": make_id("photo"),
        "user_id": source.user_id,
        "source_id": source.id,
        "file_key": seen.key,
        "revision": seen.revision,
        "folder": seen.folder,
        "name": seen.name,
        "size_bytes": seen.size_bytes,
        "content_type": seen.content_type,
        "state": "skipped" if code else "backlog" if is_backlog else "seen",
        "skip_code": code,
        "known_by": know_by_inode(seen),
    }


def _came_since(seen: SeenFile, connected_at: datetime) -> bool:
    return seen.arrived_at is not None and seen.arrived_at > connected_at - _CLOCK_SLACK
