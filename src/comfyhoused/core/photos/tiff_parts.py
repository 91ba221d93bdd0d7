"""A TIFF's tags, copied into another: everything that is not about how the pixels are laid out.

An encoder has written the pixels; a new directory is put behind them that holds its tags and the
original's, EXIF and GPS included, with their types as they were. What a maker's note points to
by position in the file is lost, as with every program that saves TIFFs.

Sources: TIFF 6.0; "Exif Version 3.0"; "Adobe Photoshop TIFF Technical Notes".
"""

import mmap
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from comfyhoused.core.photos.jpeg_parts import drop_resources
from comfyhoused.core.photos.tiff_structure import (
    LONG,
    SUB_DIRECTORIES,
    Directory,
    Order,
    Tiff,
    TiffBroken,
    swap,
)
from comfyhoused.core.photos.xmp import patch_xmp

#: How pixels lie, other programs' layers, content credentials, and what is written anew.
_LAYOUT = frozenset(
    tag
    for tags in (
        range(254, 267),
        (273, 274, 284, 301),
        range(277, 282),
        range(288, 294),
        range(317, 326),
        range(330, 348),
        range(512, 533),
        (34675, 37724, 50255, 52545),
    )
    for tag in tags
)
_XMP, _PHOTOSHOP = 700, 34377
_WIDTH, _HEIGHT, _COLOUR_SPACE = 0xA002, 0xA003, 0xA001
_MOST_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Value:
    tag: int
    kind: int
    count: int
    data: bytes


def copy_tiff_tags(
    original: Path, target: BinaryIO, size: tuple[int, int], *, is_srgb: bool
) -> bool:
    """Add the original's tags to a TIFF that is open for reading and writing.

    Returns whether that could be done: a directory that is broken is left behind.
    """
    target.flush()
    with original.open("rb") as file, _map(file) as theirs, _map(target) as ours:
        try:
            source, result = Tiff(theirs), Tiff(ours)
            kept = _list_own(result)
            writer = _Writer(target, result.order)
            said = _list_values(source, source.read_directory(source.first), result.order, size)
            known = {value.tag for value in kept}
            kept += [value for value in said if value.tag not in known | _LAYOUT]
            changes = {_WIDTH: size[0], _HEIGHT: size[1]} | ({_COLOUR_SPACE: 1} if is_srgb else {})
            kept += _copy_below(source, source.read_directory(source.first), writer, changes)
        except TiffBroken:
            return False
    at = writer.write_directory(kept)
    target.seek(4)
    target.write(struct.pack(f"{writer.order}I", at))
    return True


def _list_own(tiff: Tiff) -> list[_Value]:
    entries = tiff.read_directory(tiff.first).entries.values()
    return [_Value(one.tag, one.kind, one.count, tiff.read_bytes(one)) for one in entries]


def _map(file: BinaryIO) -> mmap.mmap:
    return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _list_values(
    tiff: Tiff, directory: Directory, order: Order, size: tuple[int, int]
) -> Iterator[_Value]:
    """Yield what a directory says itself, in the byte order of the result."""
    for entry in directory.entries.values():
        if entry.tag in SUB_DIRECTORIES or entry.size_bytes > _MOST_BYTES:
            continue
        data = tiff.read_bytes(entry)
        if entry.tag == _XMP:
            data = patch_xmp(data, *size)
        elif entry.tag == _PHOTOSHOP:
            data = drop_resources(data)
        elif tiff.order != order:
            data = swap(data, entry.kind)
        count = len(data) if entry.size_bytes == entry.count else entry.count
        yield _Value(entry.tag, entry.kind, count, data)


def _copy_below(
    tiff: Tiff, directory: Directory, writer: "_Writer", changes: dict[int, int], depth: int = 0
) -> Iterator[_Value]:
    """Write EXIF, GPS and what hangs below them; yield the tags that point there."""
    for tag in SUB_DIRECTORIES:
        at = tiff.find_number(directory, tag)
        if at is None or depth > len(SUB_DIRECTORIES):
            continue
        below = tiff.read_directory(at)
        values = [
            _change(value, changes, writer.order)
            for value in _list_values(tiff, below, writer.order, (0, 0))
        ]
        values += _copy_below(tiff, below, writer, changes, depth + 1)
        written_at = writer.write_directory(values)
        yield _Value(tag, LONG, 1, struct.pack(f"{writer.order}I", written_at))


def _change(value: _Value, changes: dict[int, int], order: Order) -> _Value:
    if value.tag not in changes:
        return value
    return _Value(value.tag, LONG, 1, struct.pack(f"{order}I", changes[value.tag]))


class _Writer:
    """Puts directories at the end of a file."""

    def __init__(self, target: BinaryIO, order: Order) -> None:
        self.order = order
        self._target = target

    def write_directory(self, values: Iterable[_Value]) -> int:
        """Write the values that do not fit into their entries, then the entries; return where."""
        rows = [(value, self._place(value)) for value in sorted(values, key=lambda one: one.tag)]
        at = self._go_to_end()
        self._target.write(struct.pack(f"{self.order}H", len(rows)))
        for value, placed in rows:
            head = struct.pack(f"{self.order}HHI", value.tag, value.kind, value.count)
            self._target.write(head + placed)
        self._target.write(bytes(4))
        return at

    def _place(self, value: _Value) -> bytes:
        if len(value.data) <= 4:
            return value.data.ljust(4, b"\x00")
        at = self._go_to_end()
        self._target.write(value.data)
        return struct.pack(f"{self.order}I", at)

    def _go_to_end(self) -> int:
        """Return the end of the file, which TIFF wants to be even."""
        at = self._target.seek(0, 2)
        if at % 2:
            self._target.write(b"\x00")
        return at + at % 2
