"""Pages of a listing: newest first, with an opaque cursor."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from comfyhoused.kit.errors import InvalidRequest

Item = TypeVar("Item")


class InvalidCursor(InvalidRequest):
    """The `cursor` is not one that a listing of ours gave out."""

    code = "invalid_cursor"
    title = "That cursor is not one of ours"


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some items and, where more follow, the cursor to ask for them with."""

    items: Sequence[Item]
    next_cursor: str | None


def make_cursor(position: str) -> str:
    """Wrap a position so that nobody is tempted to build one."""
    return base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> str:
    """Return the position inside a cursor; raises InvalidCursor."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except ValueError as error:  # of base64, of UTF-8, or letters that neither knows
        raise InvalidCursor("Leave `cursor` out to start from the newest.") from error
