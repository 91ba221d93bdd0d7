"""Directories of TIFF, in which EXIF is written as well: read entry by entry, never rewritten.

Source: "TIFF Revision 6.0" (Adobe), section 2.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from mmap import mmap
from typing import Literal

Order = Literal["<", ">"]

SUB_DIRECTORIES = {0x8769: "exif", 0x8825: "gps", 0xA005: "interoperability"}
SHORT, LONG = 3, 4

_MOST_ENTRIES = 2_000
_UNIT_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_SWAPPED_BYTES = {3: 2, 4: 4, 5: 4, 8: 2, 9: 4, 10: 4, 11: 4, 12: 8, 13: 4}


class TiffBroken(Exception):
    """The structure points outside itself, or is none."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A tag of a directory. `value_at` is where its bytes lie, `at` where the entry does."""

    tag: int
    kind: int
    count: int
    at: int
    value_at: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Directory:
    """Entries by tag; `next_at` is where the offset of the next directory is written."""

    entries: dict[int, Entry]
    next_at: int


class Tiff:
    """A TIFF structure in memory."""

    def __init__(self, data: bytes | bytearray | mmap) -> None:
        """Raises TiffBroken where it does not begin as one."""
        orders: dict[bytes, Order] = {b"II*\x00": "<", b"MM\x00*": ">"}
        order = orders.get(bytes(data[:4]))
        if order is None:
            raise TiffBroken
        self.data = data
        self.order: Order = order

    @property
    def first(self) -> int:
        """Where the first directory begins."""
        return self.read_number(4, 4)

    def read_number(self, at: int, size_bytes: int) -> int:
        """Return an unsigned number of 1, 2 or 4 bytes."""
        taken = self.data[at : at + size_bytes]
        if at < 0 or len(taken) < size_bytes:
            raise TiffBroken
        return int.from_bytes(taken, "little" if self.order == "<" else "big")

    def read_directory(self, at: int) -> Directory:
        """Return the directory there; entries that point nowhere are left out."""
        count = self.read_number(at, 2)
        if at < 8 or count > _MOST_ENTRIES:
            raise TiffBroken
        entries: dict[int, Entry] = {}
        for index in range(count):
            entry = self._read_entry(at + 2 + 12 * index)
            if entry is not None:
                entries.setdefault(entry.tag, entry)
        return Directory(entries, at + 2 + 12 * count)

    def _read_entry(self, at: int) -> Entry | None:
        tag, kind = self.read_number(at, 2), self.read_number(at + 2, 2)
        count = self.read_number(at + 4, 4)
        size_bytes = _UNIT_BYTES.get(kind, 0) * count
        value_at = at + 8 if size_bytes <= 4 else self.read_number(at + 8, 4)
        if size_bytes == 0 or value_at + size_bytes > len(self.data):
            return None
        return Entry(tag, kind, count, at, value_at, size_bytes)

    def find_number(self, directory: Directory, tag: int) -> int | None:
        """Return the first number of a tag; None where it has none."""
        entry = directory.entries.get(tag)
        if entry is None or entry.kind not in (1, SHORT, LONG, 13):
            return None
        return self.read_number(entry.value_at, _UNIT_BYTES[entry.kind])

    def read_bytes(self, entry: Entry) -> bytes:
        """Return a tag's bytes as they lie there."""
        return bytes(self.data[entry.value_at : entry.value_at + entry.size_bytes])

    def list_subdirectories(self, directory: Directory) -> Iterator[Directory]:
        """Yield what EXIF hangs below a directory, one level deep at a time."""
        for tag in SUB_DIRECTORIES:
            at = self.find_number(directory, tag)
            if at is None:
                continue
            try:
                yield self.read_directory(at)
            except TiffBroken:
                continue


def swap(value: bytes, kind: int) -> bytes:
    """Return a tag's bytes in the other byte order."""
    size = _SWAPPED_BYTES.get(kind)
    if size is None:
        return value
    letter = {2: "H", 4: "I", 8: "Q"}[size]
    numbers = struct.unpack(f"<{len(value) // size}{letter}", value)
    return struct.pack(f">{len(numbers)}{letter}", *numbers)
