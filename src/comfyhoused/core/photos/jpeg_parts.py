"""A JPEG's segments: what stands before its pixels, taken from one file and put into another.

Sources: ITU-T T.81 annex B; "JFIF 1.02"; "Exif Version 3.0", 4.5.4; "XMP Specification Part 3";
"Photoshop File Formats", image resources; CIPA DC-007 (MPF); ICC.1:2022 annex B.4.
"""

import struct
from collections.abc import Iterator
from typing import BinaryIO

from comfyhoused.core.photos import exif as exif_block
from comfyhoused.core.photos.jpeg_behind import has_more_behind
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
_EXIF_ROOM = _LONGEST - len(exif_block.MARK)
_MOST_SEGMENTS = 5_000

_Segment = tuple[int, bytes]


def read_jpeg_metadata(file: BinaryIO) -> Metadata:
    """Return what a JPEG says, from its beginning."""
    exif, xmp, native, index = b"", b"", [], b""
    for marker, content in _list_segments(file):
        if marker == _APP1 and content.startswith(exif_block.MARK):
            exif = _add_exif(exif, exif_block.strip_mark(content))
        elif marker == _APP1 and content.startswith(_XMP):
            xmp = xmp or content.removeprefix(_XMP)
        elif marker == _APP2 and content.startswith(_MPF):
            index = index or content.removeprefix(_MPF)
        elif _is_kept(marker, content):
            native.append((bytes([marker]), _drop_stale(marker, content)))
    return Metadata(exif, xmp, tuple(native), has_more_behind(file, index))


def _add_exif(before: bytes, block: bytes) -> bytes:
    """Return the block with its next segment: some programs write more than one has room for."""
    if not before:
        return block
    is_next = len(before) % _EXIF_ROOM == 0 and not exif_block.is_start(block)
    return before + block if is_next else before


def _is_kept(marker: int, content: bytes) -> bool:
    if marker == _APP1:
        return content.startswith(_MORE_XMP)
    if marker == _APP13:
        return content.startswith(_PHOTOSHOP)
    return marker == _COMMENT or (marker == _APP0 and content.startswith(_JFIF))


def _list_segments(file: BinaryIO) -> Iterator[_Segment]:
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


def put_jpeg_metadata(
    jpeg: bytes, metadata: Metadata, profile: bytes | None
) -> tuple[list[bytes], bool]:
    """Return the parts of a JPEG with these segments in front of its pixels, and if all had room.

    `jpeg` is as an encoder wrote it. What is longer than a segment is left out, and nothing else.
    """
    segments = list(_list_said(metadata))
    fitting = [(marker, content) for marker, content in segments if len(content) <= _LONGEST]
    made = [_make(marker, content) for marker, content in fitting]
    made += [_make(_APP2, content) for content in _cut_profile(profile or b"")]
    return [_SOI, *made, jpeg[_find_tables(jpeg) :]], fitting == segments


def _list_said(metadata: Metadata) -> Iterator[_Segment]:
    native = [(name[0], content) for name, content in metadata.native]
    yield from (one for one in native if one[0] == _APP0)
    for piece in _cut(metadata.exif, _EXIF_ROOM):
        yield _APP1, exif_block.MARK + piece
    if metadata.xmp:
        yield _APP1, _XMP + metadata.xmp
    yield from (one for one in native if one[0] != _APP0)


def _make(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def _cut_profile(profile: bytes) -> Iterator[bytes]:
    pieces = _cut(profile, _LONGEST - len(_ICC) - 2)
    for number, piece in enumerate(pieces, 1):
        yield _ICC + bytes([number, len(pieces)]) + piece


def _cut(content: bytes, room: int) -> list[bytes]:
    return [content[at : at + room] for at in range(0, len(content), room)]


def _find_tables(jpeg: bytes) -> int:
    """Return where an encoder's own APP0 segment ends."""
    at = 2
    while jpeg[at] == 0xFF and jpeg[at + 1] == _APP0:
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
    return at
