"""What the bell shows as one: a hundred photos of a batch that were edited, or that were not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from comfyhoused.creator.tables import Notification

#: So many of a kind within an hour stand as one.
LEAST = 3

_GALLERY = "/creator/gallery"
#: Kind → what is said of so many, and where they are.
_WORDS = {
    "edit_failed": ("{} photos could not be finished", f"{_GALLERY}?show=failed"),
    "delivery_failed": (
        "{} pictures could not be put into your folders",
        f"{_GALLERY}?show=failed",
    ),
    "edit_delivered": ("{} pictures are ready", _GALLERY),
    "edit_held": ("{} pictures are ready for your look", "/creator/review"),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the list: one notification, or `count` of one kind, as of the newest."""

    title: str
    detail: str
    link: str
    created_at: datetime
    read_at: datetime | None
    count: int = 1


def bundle_notes(notes: Sequence[Notification]) -> list[Entry]:
    """Return entries for these notifications, in their order (newest first)."""
    bundles: dict[tuple[str, ...], list[Notification]] = {}
    for note in notes:
        bundles.setdefault(_find_bundle(note), []).append(note)
    entries = [entry for some in bundles.values() for entry in _make_entries(some)]
    return sorted(entries, key=lambda one: one.created_at, reverse=True)


def _find_bundle(note: Notification) -> tuple[str, ...]:
    if note.kind not in _WORDS:
        return (note.id,)
    is_read = "read" if note.read_at else "unread"
    return (note.kind, f"{note.created_at:%Y-%m-%d %H}", is_read)


def _make_entries(notes: Sequence[Notification]) -> list[Entry]:
    if len(notes) < LEAST:
        return [
            Entry(one.title, one.detail, one.link, one.created_at, one.read_at) for one in notes
        ]
    words, link = _WORDS[notes[0].kind]
    details = {one.detail for one in notes}
    return [
        Entry(
            title=words.format(len(notes)),
            detail=details.pop() if len(details) == 1 else "",
            link=link,
            created_at=notes[0].created_at,
            read_at=notes[0].read_at,
            count=len(notes),
        )
    ]
