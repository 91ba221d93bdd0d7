"""Checking a PNG from end to end in flat memory: every checksum, every pixel's byte present.

Source: "Portable Network Graphics Specification" (W3C, third edition), sections 5 to 11.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from comfyhoused.core.files.headers import PNG_SIGNATURE

_STEP_BYTES = 64 * 1024
_MAX_CHUNKS = 100_000  # a hundred megabytes of empty ones would keep us busy for minutes
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # samples a pixel, by colour type
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_MAX_SIDE = 2**31 - 1
# Adam7: first column, first row, step across, step down of each pass.
_PASSES = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)


class PngDamaged(Exception):
    """The bytes are no whole PNG; the text says what is wrong."""


def check_png(file: BinaryIO) -> bool:
    """Return whether it is animated (APNG); raises PngDamaged."""
    file.seek(len(PNG_SIGNATURE))
    inflater = zlib.decompressobj()
    expected, found, is_animated = -1, 0, False
    for name, pieces in _walk(file):
        if expected < 0 and name != b"IHDR":
            raise PngDamaged("it does not begin with its header")
        if name == b"IHDR":
            expected = _count_bytes(b"".join(pieces))
        elif name == b"IDAT":
            found += sum(_inflate(inflater, pieces, expected - found))
        elif name == b"acTL":
            is_animated = True
    if found != expected or not inflater.eof:
        raise PngDamaged("some of its pixels are missing")
    return is_animated


def _walk(file: BinaryIO) -> Iterator[tuple[bytes, Iterator[bytes]]]:
    """Yield name and content of each chunk up to IEND; what is not consumed is checked too."""
    for _ in range(_MAX_CHUNKS):
        head = file.read(8)
        if len(head) < 8:
            raise PngDamaged("it ends early")
        length, name = struct.unpack(">I4s", head)
        pieces = _read_chunk(file, name, length)
        yield name, pieces
        for _piece in pieces:
            pass
        if name == b"IEND":
            return
    raise PngDamaged("it is cut into too many pieces")


def _read_chunk(file: BinaryIO, name: bytes, length: int) -> Iterator[bytes]:
    checksum = zlib.crc32(name)
    left = length
    while left:
        piece = file.read(min(left, _STEP_BYTES))
        if not piece:
            raise PngDamaged("it ends early")
        checksum = zlib.crc32(piece, checksum)
        left -= len(piece)
        yield piece
    if file.read(4) != checksum.to_bytes(4, "big"):
        raise PngDamaged("a checksum is wrong")


def _inflate(inflater: "zlib._Decompress", pieces: Iterator[bytes], room: int) -> Iterator[int]:
    """Yield the lengths of what comes out, never holding more than a step of it."""
    try:
        for piece in pieces:
            data = piece
            while data and not inflater.eof:
                size = len(inflater.decompress(data, _STEP_BYTES))
                room -= size
                if room < 0:
                    raise PngDamaged("it holds more pixels than it says")
                yield size
                data = inflater.unconsumed_tail
    except zlib.error as error:
        raise PngDamaged("its pixels cannot be unpacked") from error


def _count_bytes(header: bytes) -> int:
    if len(header) != 13:
        raise PngDamaged("its header has a wrong length")
    width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", header)
    if not (0 < width <= _MAX_SIDE and 0 < height <= _MAX_SIDE):
        raise PngDamaged("it has no pixels")
    if depth not in _DEPTHS.get(colour, ()):
        raise PngDamaged("its kind of colours does not exist")
    bits = depth * _CHANNELS[colour]
    if not interlace:
        return _count_pass(width, height, bits)
    return sum(
        _count_pass(-(-(width - x) // dx), -(-(height - y) // dy), bits) for x, y, dx, dy in _PASSES
    )


def _count_pass(width: int, height: int, bits: int) -> int:
    if width <= 0 or height <= 0:
        return 0
    return height * (1 + -(-width * bits // 8))  # a filter byte leads each row
