"""Reading Google's documents: one that lacks what it must have is an answer without sense."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from comfyhoused.adapters.google.errors import DriveUnreachable

T = TypeVar("T")


def read_answer(read: Callable[[Mapping[str, Any]], T], document: Mapping[str, Any]) -> T:
    """Return what `read` makes of the document; raises DriveUnreachable where it cannot."""
    try:
        return read(document)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise DriveUnreachable(f"Google's answer lacks what it must have: {error}.") from error
