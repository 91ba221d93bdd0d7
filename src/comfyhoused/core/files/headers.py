"""What a picture says of itself in its first bytes: kind and pixels, before anything decodes it.

Sources: PNG specification (W3C, chunk IHDR, acTL), ITU-T T.81 annex B (JPEG markers),
"WebP Container Specification" and RFC 6386 / RFC 9649 (WebP bitstreams).
"""

import struct
from dataclasses import dataclass
from typing import BinaryIO, Literal

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

ImageType = Literal["image/png", "image/jpeg", "image/webp", "image/gif"]

# Start-of-frame markers carry the size; C4, C8 and CC lie between them and mean other things.
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_BARE = frozenset(range(0xD0, 0xD8)) | {0x01}  # markers without a length
_JPEG_SCAN, _JPEG_END = 0xDA, 0xD9
_WEBP_ANIMATION = 0x02

# No camera comes near these; without them a file of nonsense would be read for minutes.
_JPEG_MAX_SEGMENTS = 5_000
_JPEG_MAX_FILLER_BYTES = 10_000


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """Kind and size in pixels, as stored (an EXIF orientation is not applied)."""

    content_type: ImageType
    width: int
    height: int
    is_animated: bool = False
    is_progressive: bool = False

    @property
    def pixels(self) -> int:
        """Width × height."""
        return self.width * self.height


class HeaderTruncated(Exception):
    """The kind is known, but no size is found where it must be."""


def read_header(file: BinaryIO) -> ImageHeader | None:
    """Read from the beginning; None for what is no PNG, JPEG, WebP or GIF.

    Raises HeaderTruncated.
    """
    file.seek(0)
    start = file.read(16)
    if start.startswith(PNG_SIGNATURE):
        return _read_png(file)
    if start.startswith(b"\xff\xd8\xff"):
        return _read_jpeg(file)
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return _read_webp(file)
    if start[:6] in (b"GIF87a", b"GIF89a"):
        file.seek(6)
        width, height = _unpack("<HH", file)
        return ImageHeader("image/gif", width, height)
    return None


def _unpack(layout: str, file: BinaryIO) -> tuple[int, ...]:
    size = struct.calcsize(layout)
    data = file.read(size)
    if len(data) < size:
        raise HeaderTruncated
    return struct.unpack(layout, data)


def _read_png(file: BinaryIO) -> ImageHeader:
    file.seek(16)  # signature, length and name of IHDR
    width, height = _unpack(">II", file)
    return ImageHeader("image/png", width, height)


def _read_jpeg(file: BinaryIO) -> ImageHeader:
    file.seek(2)
    for _ in range(_JPEG_MAX_SEGMENTS):
        marker = _find_marker(file)
        if marker in _JPEG_BARE:
            continue
        if marker in (_JPEG_SCAN, _JPEG_END):
            break
        (length,) = _unpack(">H", file)
        if marker in _JPEG_FRAMES:
            _, height, width = _unpack(">BHH", file)
            return ImageHeader("image/jpeg", width, height, is_progressive=marker == 0xC2)
        file.seek(max(length - 2, 0), 1)
    raise HeaderTruncated


def _find_marker(file: BinaryIO) -> int:
    is_near = False
    for _ in range(_JPEG_MAX_FILLER_BYTES):
        (byte,) = _unpack("B", file)
        if is_near and byte != 0xFF:  # any number of them may stand before a marker
            return int(byte)
        is_near = byte == 0xFF
    raise HeaderTruncated


def _read_webp(file: BinaryIO) -> ImageHeader:
    file.seek(12)
    name = file.read(4)
    file.seek(20)
    if name == b"VP8X":
        flags, width, height = _unpack_canvas(file)
        return ImageHeader(
            "image/webp", width + 1, height + 1, is_animated=bool(flags & _WEBP_ANIMATION)
        )
    if name == b"VP8L":
        _, bits = _unpack("<BI", file)
        return ImageHeader("image/webp", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    file.seek(26)  # after the frame tag and the start code of a VP8 key frame
    width, height = _unpack("<HH", file)
    return ImageHeader("image/webp", width & 0x3FFF, height & 0x3FFF)


def _unpack_canvas(file: BinaryIO) -> tuple[int, int, int]:
    flags, low_w, high_w, low_h, high_h = _unpack("<B3xHBHB", file)
    return flags, low_w | high_w << 16, low_h | high_h << 16
