"""What hangs behind a JPEG's pixels: gain maps, further views, the film of a motion photo.

Large previews, which most cameras hang there, are no loss: they would show the photo as before.
Source: CIPA DC-007 (Multi-Picture Format), 5.2.3.
"""

import mmap
import struct
from typing import BinaryIO

from comfyhoused.core.photos.tiff_structure import Tiff, TiffBroken

_END = b"\xff\xd9"
#: How another picture begins, and what stands near the beginning of a film.
_PICTURE, _FILM = b"\xff\xd8\xff", b"ftyp"
_ENTRIES, _ENTRY_BYTES = 0xB002, 16
_KIND_BITS = 0xFFFFFF
_PREVIEWS = (0x010001, 0x010002)


def has_more_behind(file: BinaryIO, index: bytes) -> bool:
    """Tell whether more than previews hangs behind the pixels, at which the file stands.

    `index` is what its MPF segment says after the mark; empty where it has none.
    """
    if index and _names_more(index):
        return True
    start = file.tell()
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        end = content.find(_END, start)
        marks = (_FILM,) if index else (_FILM, _PICTURE)
        return end >= 0 and any(content.find(mark, end) >= 0 for mark in marks)


def _names_more(index: bytes) -> bool:
    """Tell whether it names more than the photo itself and previews; a broken one does."""
    try:
        tiff = Tiff(index)
        entry = tiff.read_directory(tiff.first).entries.get(_ENTRIES)
    except TiffBroken:
        return True
    if entry is None:
        return True
    content = tiff.read_bytes(entry)
    kinds = [
        struct.unpack_from(f"{tiff.order}I", content, at)[0] & _KIND_BITS
        for at in range(_ENTRY_BYTES, len(content) - 3, _ENTRY_BYTES)
    ]
    return any(kind not in _PREVIEWS for kind in kinds)
