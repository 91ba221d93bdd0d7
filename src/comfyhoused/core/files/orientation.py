"""Which way up a picture is shown: the EXIF orientation, found without decoding anything.

Sources: "Exif Version 3.0" (CIPA DC-008), 4.5.4 and 4.6.5 (tag 274); PNG specification (W3C, third
edition), chunk eXIf; "WebP Container Specification", chunk EXIF; ITU-T T.81 annex B (markers).
"""

import struct
from collections.abc import Iterator
from typing import BinaryIO

UPRIGHT = 1
_TAG = 0x0112
_SHORT = 3
_MOST_PARTS = 5_000  # no camera comes near; without it a file of nonsense would be read for minutes
_MOST_BYTES = 256 * 1024
_MARK = b"Exif\x00\x00"


def read_orientation(file: BinaryIO, content_type: str) -> int:
    """Return 1 (as stored) to 8; 5 and above are shown turned by a quarter.

    What is missing or makes no sense counts as 1, as every viewer takes it.
    """
    walk = _WALKS.get(content_type)
    if walk is None:
        return UPRIGHT
    try:
        for block in walk(file):
            return _read_tag(block.removeprefix(_MARK))
    except struct.error:
        return UPRIGHT
    return UPRIGHT


def is_turned(orientation: int) -> bool:
    """Tell whether width and height change places when the picture is shown."""
    return orientation >= 5


def _walk_jpeg(file: BinaryIO) -> Iterator[bytes]:
    file.seek(2)
    for _ in range(_MOST_PARTS):
        marker, length = struct.unpack(">HH", file.read(4))
        if marker >> 8 != 0xFF or marker == 0xFFDA or length < 2:  # the scan, or no marker
            return
        if marker == 0xFFE1:
            content = file.read(min(length - 2, _MOST_BYTES))
            if content.startswith(_MARK):
                yield content
        else:
            file.seek(length - 2, 1)


def _walk_png(file: BinaryIO) -> Iterator[bytes]:
    file.seek(8)
    for _ in range(_MOST_PARTS):
        length, name = struct.unpack(">I4s", file.read(8))
        if name == b"eXIf":
            yield file.read(min(length, _MOST_BYTES))
            return
        file.seek(length + 4, 1)  # the checksum comes after


def _walk_webp(file: BinaryIO) -> Iterator[bytes]:
    file.seek(12)
    for _ in range(_MOST_PARTS):
        name, length = struct.unpack("<4sI", file.read(8))
        if name == b"EXIF":
            yield file.read(min(length, _MOST_BYTES))
            return
        file.seek(length + length % 2, 1)


_WALKS = {"image/jpeg": _walk_jpeg, "image/png": _walk_png, "image/webp": _walk_webp}


def _read_tag(tiff: bytes) -> int:
    """Find tag 274 in the first directory of a TIFF structure; raises struct.error."""
    order = {b"II*\x00": "<", b"MM\x00*": ">"}.get(tiff[:4])
    if order is None:
        return UPRIGHT
    (start,) = struct.unpack_from(f"{order}I", tiff, 4)
    (count,) = struct.unpack_from(f"{order}H", tiff, start)
    for index in range(count):
        entry = start + 2 + 12 * index
        tag, kind = struct.unpack_from(f"{order}HH", tiff, entry)
        if tag == _TAG and kind == _SHORT:
            (value,) = struct.unpack_from(f"{order}H", tiff, entry + 8)
            return int(value) if 1 <= value <= 8 else UPRIGHT
    return UPRIGHT
