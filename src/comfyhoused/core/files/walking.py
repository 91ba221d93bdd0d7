"""Walking through the parts of a file while it streams by: some pass, some are blanked.

Sans IO. A part is a head and a body; a kind of file says how a head is read and what is done to
the body. Nothing is held back but the bytes of one head.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

MOST_HEAD_BYTES = 32


@dataclass(frozen=True, slots=True)
class Part:
    """A head of so many bytes, what passes in its place, and how many bytes of body follow.

    `body_bytes` of None: all the rest of the file. A blanked body becomes zeros, a dropped one
    nothing.
    """

    head_bytes: int
    shown: bytes
    body_bytes: int | None
    is_blanked: bool = False
    is_dropped: bool = False


class Kind(Protocol):
    """A kind of file."""

    def read_head(self, data: bytes) -> Part | None:
        """Return the part that begins here; None where more bytes are needed to tell."""
        ...


class Walker:
    """Bytes in, what passes out."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self._waiting = b""
        self._part: Part | None = None
        self._left: int | None = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what passes of the next bytes."""
        data, self._waiting = self._waiting + data, b""
        at = 0
        while at < len(data):
            if self._left == 0:
                part = self._kind.read_head(data[at : at + MOST_HEAD_BYTES])
                if part is None:
                    self._waiting = data[at:]
                    return
                self._part, self._left = part, part.body_bytes
                at += part.head_bytes
                yield part.shown
                continue
            size = len(data) - at if self._left is None else min(self._left, len(data) - at)
            yield self._change(data[at : at + size])
            at += size
            self._left = None if self._left is None else self._left - size

    def finish(self) -> bytes:
        """Return what was held back when the bytes end inside a head."""
        return self._waiting

    def _change(self, body: bytes) -> bytes:
        part = self._part
        if part is not None and part.is_dropped:
            return b""
        return bytes(len(body)) if part is not None and part.is_blanked else body
