"""Which bytes of a file a request asks for (RFC 9110, section 14)."""

import re
from dataclasses import dataclass

from comfyhoused.kit.errors import InvalidRequest

_SINGLE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


class RangeNotSatisfiable(InvalidRequest):
    """The file ends before the range that was asked for begins."""

    code = "range_not_satisfiable"
    title = "The file has no such bytes"
    status = 416


@dataclass(frozen=True, slots=True)
class ByteRange:
    """From `start` up to (excluding) `end` of `size_bytes` bytes."""

    start: int
    end: int
    size_bytes: int

    @property
    def length(self) -> int:
        """How many bytes that are."""
        return self.end - self.start

    @property
    def content_range(self) -> str:
        """The value of the Content-Range header."""
        return f"bytes {self.start}-{self.end - 1}/{self.size_bytes}"


def find_range(header: str | None, size_bytes: int) -> ByteRange | None:
    """Return the single range asked for; None means the whole file.

    Several ranges, other units and nonsense are ignored, as the RFC allows. Raises
    RangeNotSatisfiable.
    """
    match = _SINGLE.fullmatch(header.strip()) if header else None
    if match is None or match.group(1) == match.group(2) == "":
        return None
    first, last = match.groups()
    if first == "":
        start, end = max(size_bytes - int(last), 0), size_bytes
    else:
        start, end = int(first), min(int(last) + 1, size_bytes) if last else size_bytes
    if last and first and int(last) < int(first):
        return None
    if start >= end:
        raise RangeNotSatisfiable(
            f"The file has {size_bytes} bytes.",
            headers={"Content-Range": f"bytes */{size_bytes}"},
        )
    return ByteRange(start, end, size_bytes)
