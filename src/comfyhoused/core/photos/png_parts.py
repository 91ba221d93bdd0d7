"""A PNG's chunks: read, and written in a way that costs little.

A PNG that only travels to a server is not compressed: that takes a tenth of the time. One that is
delivered is, by the filter and the strategy that give most for their time on photos.

Sources: PNG specification (W3C, third edition), 5, 7.2, 9.2, 11.3.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from PIL import Image, ImageChops

from comfyhoused.core.photos.exif import strip_mark
from comfyhoused.core.photos.metadata import Metadata

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_KEPT = frozenset((b"tEXt", b"zTXt", b"iTXt", b"pHYs"))
_XMP = b"XML:com.adobe.xmp\x00"
_XMP_HEAD = b"XML:com.adobe.xmp\x00\x00\x00\x00\x00"
_RAW_EXIF = (b"Raw profile type exif\x00", b"Raw profile type APP1\x00")
_MOST_CHUNKS = 100_000
_MOST_BYTES = 16 * 1024 * 1024
_COLOUR_TYPES = {"L": 0, "RGB": 2, "LA": 4, "RGBA": 6}
_BLOCK_BYTES = 1024 * 1024
_NONE, _AVERAGE = b"\x00", b"\x03"
_LEVEL, _MEMORY = 1, 9


def read_png_metadata(file: BinaryIO) -> Metadata:
    """Return what a PNG says, before its pixels and after them."""
    exif, xmp, native = b"", b"", []
    for name, content in _list_chunks(file):
        if name == b"eXIf":
            exif = strip_mark(content)
        elif name == b"iTXt" and content.startswith(_XMP):
            xmp = _read_xmp(content)
        elif name == b"zTXt" and content.startswith(_RAW_EXIF):
            exif = exif or _read_raw_exif(content)
        else:
            native.append((name, content))
    return Metadata(exif, xmp, tuple(native))


def _list_chunks(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    file.seek(len(SIGNATURE))
    for _ in range(_MOST_CHUNKS):
        head = file.read(8)
        if len(head) < 8:
            return
        length, name = struct.unpack(">I4s", head)
        if (name in _KEPT or name == b"eXIf") and length <= _MOST_BYTES:
            yield name, file.read(length)
            file.seek(4, 1)
        else:
            file.seek(length + 4, 1)


def _read_xmp(content: bytes) -> bytes:
    """Return the packet of an iTXt chunk: keyword, flag, method, language, translation, text."""
    is_packed = content[len(_XMP)] == 1
    parts = content[len(_XMP) + 2 :].split(b"\x00", 2)
    if len(parts) < 3:
        return b""
    return _inflate(parts[2]) if is_packed else parts[2]


def _read_raw_exif(content: bytes) -> bytes:
    """Return what ImageMagick writes: a name, a length and hexadecimal digits, packed."""
    lines = _inflate(content.partition(b"\x00")[2][1:]).split(b"\n")
    try:
        return strip_mark(bytes.fromhex(b"".join(lines[3:]).decode("ascii")))
    except ValueError:
        return b""


def _inflate(packed: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(packed, _MOST_BYTES)
    except zlib.error:
        return b""


def write_png(
    image: Image.Image,
    target: BinaryIO,
    *,
    metadata: Metadata | None = None,
    profile: bytes | None = None,
    is_packed: bool = True,
) -> None:
    """Write a picture of mode L, LA, RGB or RGBA; `is_packed` False only stores its pixels."""
    target.write(SIGNATURE)
    shape = struct.pack(">IIBBBBB", *image.size, 8, _COLOUR_TYPES[image.mode], 0, 0, 0)
    _put(target, b"IHDR", shape)
    if profile:
        _put(target, b"iCCP", b"ICC Profile\x00\x00" + zlib.compress(profile))
    elif metadata is not None and image.mode in ("RGB", "RGBA"):
        _put(target, b"sRGB", b"\x00")
    for name, content in _list_said(metadata or Metadata()):
        _put(target, name, content)
    for block in _list_blocks(image, is_packed=is_packed):
        _put(target, b"IDAT", block)
    _put(target, b"IEND", b"")


def _list_said(metadata: Metadata) -> Iterator[tuple[bytes, bytes]]:
    if metadata.exif:
        yield b"eXIf", metadata.exif
    if metadata.xmp:
        yield b"iTXt", _XMP_HEAD + metadata.xmp
    yield from (part for part in metadata.native if part[0] in _KEPT)


def _put(target: BinaryIO, name: bytes, content: bytes) -> None:
    target.write(struct.pack(">I", len(content)) + name)
    target.write(content)
    target.write(struct.pack(">I", zlib.crc32(content, zlib.crc32(name))))


def _list_blocks(image: Image.Image, *, is_packed: bool) -> Iterator[bytes]:
    """Yield the pixels, filtered and deflated, in blocks of about a megabyte.

    What is left of a photo by the filter is noise: looking for repetitions in it but for runs
    takes half the time again, and finds so few that the file is larger.
    """
    packer = zlib.compressobj(
        _LEVEL if is_packed else 0, zlib.DEFLATED, zlib.MAX_WBITS, _MEMORY, zlib.Z_RLE
    )
    rows = max(1, _BLOCK_BYTES // (image.width * len(image.getbands())))
    for top in range(0, image.height, rows):
        box = (0, top, image.width, min(top + rows, image.height))
        strip = _subtract_average(image, box) if is_packed else image.crop(box)
        packed = packer.compress(_put_filter(strip, _AVERAGE if is_packed else _NONE))
        if packed:
            yield packed
    yield packer.flush()


def _subtract_average(image: Image.Image, box: tuple[int, int, int, int]) -> Image.Image:
    """Return each pixel less the mean of its left and its upper neighbour: PNG's filter 3."""
    strip = image.crop(box)
    left = ImageChops.offset(strip, 1, 0)
    left.paste(Image.new(strip.mode, (1, strip.height)), (0, 0))
    above = image.crop((0, box[1] - 1, image.width, box[3] - 1))  # outside it is 0
    return ImageChops.subtract_modulo(strip, ImageChops.add(left, above, scale=2))


def _put_filter(strip: Image.Image, name: bytes) -> bytes:
    pixels = memoryview(strip.tobytes())
    row_bytes = strip.width * len(strip.getbands())
    rows = (pixels[at : at + row_bytes] for at in range(0, len(pixels), row_bytes))
    return b"".join(part for row in rows for part in (name, row))
