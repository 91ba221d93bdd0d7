"""A JPEG's segments: what stands before its pixels, taken from one file and put into another.

Sources: ITU-T T.81 annex B; "JFIF 1.02"; "Exif Version 3.0", 4.5.4; "XMP Specification Part 3";
"Photoshop File Formats", image resources; CIPA DC-007 (MPF); ICC.1:2022 annex B.4.
"""

import struct
from collections.abc import Iterator
from typing import BinaryIO

from comfyhoused.core.photos import exif as exif_block
from comfyhoused.core.photos.metadata import Metadata

_SOI, _SOS, _EOI = b"\xff\xd8", 0xDA, 0xD9
_APP0, _APP1, _APP2, _APP13, _COMMENT = 0xE0, 0xE1, 0xE2, 0xED, 0xFE
_BARE = frozenset(range(0xD0, 0xD8)) | {0x01}
_XMP = b"http://ns.adobe.com/xap/1.0/\x00"
_MORE_XMP = b"http://ns.adobe.com/xmp/extension/\x00"
_PHOTOSHOP = b"Photoshop 3.0\x00"
_JFIF, _MPF, _ICC = b"JFIF\x00", b"MPF\x00", b"ICC_PROFILE\x00"
_STALE_RESOURCES = frozenset((1033, 1036, 1039))  # two kinds of thumbnail, a colour profile
_LONGEST = 65_533
_MOST_SEGMENTS = 5_000


class SegmentTooLong(Exception):
    """What is to be kept does not fit into a JPEG's segment."""


def read_jpeg_metadata(file: BinaryIO) -> Metadata:
    """Return what a JPEG says, from its beginning."""
    exif, xmp, native, has_more = b"", b"", [], False
    for marker, content in _list_segments(file):
        if marker == _APP1 and content.startswith(exif_block.MARK):
            exif = exif or exif_block.strip_mark(content)
        elif marker == _APP1 and content.startswith(_XMP):
            xmp = xmp or content.removeprefix(_XMP)
        elif marker == _APP2 and content.startswith(_MPF):
            has_more = True
        elif _is_kept(marker, content):
            native.append((bytes([marker]), _drop_stale(marker, content)))
    return Metadata(exif, xmp, tuple(native), has_more)


def _is_kept(marker: int, content: bytes) -> bool:
    if marker == _APP1:
        return content.startswith(_MORE_XMP)
    if marker == _APP13:
        return content.startswith(_PHOTOSHOP)
    return marker == _COMMENT or (marker == _APP0 and content.startswith(_JFIF))


def _list_segments(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    file.seek(2)
    for _ in range(_MOST_SEGMENTS):
        head = file.read(2)
        while len(head) == 2 and head[0] == 0xFF and head[1] == 0xFF:  # filler
            head = head[1:] + file.read(1)
        if len(head) < 2 or head[0] != 0xFF or head[1] in (_SOS, _EOI):
            return
        if head[1] in _BARE:
            continue
        length = int.from_bytes(file.read(2), "big")
        if length < 2:
            return
        yield head[1], file.read(length - 2)


def _drop_stale(marker: int, content: bytes) -> bytes:
    if marker == _APP0:  # density stays, a thumbnail does not
        return content[:12] + b"\x00\x00"
    if marker == _APP13:
        return _PHOTOSHOP + drop_resources(content.removeprefix(_PHOTOSHOP))
    return content


def drop_resources(content: bytes) -> bytes:
    """Leave out thumbnails and profiles of Photoshop's resources; IPTC is one of the others."""
    at, kept = 0, []
    while content[at : at + 4] == b"8BIM" and at + 12 <= len(content):
        name_bytes = (content[at + 6] + 2) // 2 * 2
        size_at = at + 6 + name_bytes
        if size_at + 4 > len(content):
            break
        size = int.from_bytes(content[size_at : size_at + 4], "big")
        end = size_at + 4 + (size + 1) // 2 * 2
        if int.from_bytes(content[at + 4 : at + 6], "big") not in _STALE_RESOURCES:
            kept.append(content[at:end])
        at = end
    return b"".join(kept) if at >= len(content) else content


def put_jpeg_metadata(jpeg: bytes, metadata: Metadata, profile: bytes | None) -> Iterator[bytes]:
    """Yield a JPEG as an encoder wrote it, with these segments in front of its pixels.

    Raises SegmentTooLong.
    """
    native = [(name[0], content) for name, content in metadata.native]
    yield _SOI
    yield from (_make(marker, content) for marker, content in native if marker == _APP0)
    if metadata.exif:
        yield _make(_APP1, exif_block.MARK + metadata.exif)
    if metadata.xmp:
        yield _make(_APP1, _XMP + metadata.xmp)
    yield from (_make(marker, content) for marker, content in native if marker != _APP0)
    yield from _make_profile(profile or b"")
    yield jpeg[_find_tables(jpeg) :]


def _make(marker: int, content: bytes) -> bytes:
    if len(content) > _LONGEST:
        raise SegmentTooLong
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def _make_profile(profile: bytes) -> Iterator[bytes]:
    room = _LONGEST - len(_ICC) - 2
    pieces = [profile[at : at + room] for at in range(0, len(profile), room)]
    if len(pieces) > 255:
        raise SegmentTooLong
    for number, piece in enumerate(pieces, 1):
        yield _make(_APP2, _ICC + bytes([number, len(pieces)]) + piece)


def _find_tables(jpeg: bytes) -> int:
    """Return where an encoder's own APP0 segment ends."""
    at = 2
    while jpeg[at] == 0xFF and jpeg[at + 1] == _APP0:
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
    return at
