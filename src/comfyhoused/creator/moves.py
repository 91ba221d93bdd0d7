"""Files on disks have no ids: which photo it is that has come under another name.

Every listing tells size and last change, but photos of one burst, or of a clock that stands still,
share both. So a photo that was read is known again by a sample of its bytes, taken at the second
look; one that was not read yet, by its inode.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.creator.sources.folder import SeenFile
from comfyhoused.creator.tables import Photo

_SAMPLE, _INODE = "sample", "inode"


@dataclass(slots=True)
class Moves:
    """Files that were not known by their names: `moved` are photos that are, `new` are none.

    Of the `doubtful` a sample has to be read first.
    """

    moved: list[tuple[Photo, SeenFile]] = field(default_factory=list)
    new: list[SeenFile] = field(default_factory=list)
    doubtful: list[SeenFile] = field(default_factory=list)


async def find_moves(
    session: AsyncSession,
    source_id: str,
    fresh: Sequence[SeenFile],
    present: Collection[str],
    samples: Mapping[str, str],
) -> Moves:
    """Tell photos whose files went and came as others from new ones.

    `present`: the keys of all files there are. `samples`: of files, by their keys, as far as they
    were read.
    """
    lost = await _list_lost(session, source_id, fresh, present)
    moves = Moves()
    for seen in fresh:
        photos = lost.get(seen.revision, [])
        if seen.key not in samples and any(_was_read(photo) for photo in photos):
            moves.doubtful.append(seen)
            continue
        same = next((one for one in photos if _is_same(one, seen, samples)), None)
        if same is None:
            moves.new.append(seen)
        else:
            photos.remove(same)
            moves.moved.append((same, seen))
    return moves


def know_by_sample(sample: str) -> str | None:
    """Return how a photo is known again that was read; None where its file has an id."""
    return f"{_SAMPLE} {sample}" if sample else None


def know_by_inode(seen: SeenFile) -> str | None:
    """Return how a photo is known again that was not read; None where its file has an id."""
    return f"{_INODE} {seen.inode}" if seen.inode else None


async def _list_lost(
    session: AsyncSession, source_id: str, fresh: Sequence[SeenFile], present: Collection[str]
) -> dict[str, list[Photo]]:
    """Return photos alike in size and last change whose files are not there, by their revisions."""
    rows = await session.scalars(
        select(Photo)
        .where(Photo.source_id == source_id, Photo.revision.in_([one.revision for one in fresh]))
        .order_by(Photo.seen_at, Photo.id)
    )
    lost: dict[str, list[Photo]] = defaultdict(list)
    for photo in rows:
        if photo.file_key not in present:
            lost[photo.revision].append(photo)
    return lost


def _was_read(photo: Photo) -> bool:
    return (photo.known_by or "").startswith(_SAMPLE)


def _is_same(photo: Photo, seen: SeenFile, samples: Mapping[str, str]) -> bool:
    if photo.known_by is None:
        return True  # stored before photos were known by more than size and last change
    if _was_read(photo):
        return photo.known_by == know_by_sample(samples[seen.key])
    return photo.known_by == know_by_inode(seen)
