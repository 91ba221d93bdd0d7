"""Is this a whole picture of a kind and size we take? Answered without trusting any of it."""

import asyncio
import mmap
import os
from collections.abc import AsyncIterable, AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from comfyhoused.core.files.headers import PNG_SIGNATURE, HeaderTruncated, ImageHeader, read_header
from comfyhoused.core.files.png_check import PngDamaged, check_png
from comfyhoused.kit.errors import InvalidRequest, TooLarge, Unprocessable, UnsupportedMediaType

# Decoding holds a picture in memory, so few do it at once, and none a very large one.
_DECODERS = ThreadPoolExecutor(2, thread_name_prefix="decode")
_MAX_DECODED_PIXELS = 6_000_000
_START_BYTES = 32  # enough to tell any kind
_JPEG_START = b"\xff\xd8\xff"
_JPEG_SCAN, _JPEG_END = b"\xff\xda", b"\xff\xd9"
_JPEG_MAX_SCANS = 500  # each goes over the whole picture, and may be a few bytes short
_JPEG_SHRINK = 8  # libjpeg decodes to an eighth of each side with a 64th of the memory

# Pillow's own alarm would sound below our limit, which is checked before Pillow sees anything.
Image.MAX_IMAGE_PIXELS = None

_OTHERS = (
    (b"GIF8", 0, "a GIF"),
    (b"II*\x00", 0, "a TIFF"),
    (b"MM\x00*", 0, "a TIFF"),
    (b"BM", 0, "a BMP"),
    (b"%PDF", 0, "a PDF"),
    (b"ftyphei", 4, "a HEIC picture"),
    (b"ftypmif", 4, "a HEIC picture"),
    (b"ftypavif", 4, "an AVIF picture"),
    (b"ftyp", 4, "a video"),
    (b"PK\x03\x04", 0, "a ZIP archive"),
)


class EmptyFile(InvalidRequest):
    """Not a single byte was sent."""

    code = "empty_file"
    title = "The file is empty"


class NotAnImage(UnsupportedMediaType):
    """The bytes are none of PNG, JPEG, WebP, whatever their label says."""

    code = "not_an_image"
    title = "This is not a picture that we read"


class AnimatedImage(UnsupportedMediaType):
    """A picture that moves: every frame would be worked on, and charged."""

    code = "animated_image"
    title = "Only still pictures are read"


class TruncatedImage(Unprocessable):
    """The picture ends early or is damaged inside."""

    code = "truncated_image"
    title = "The picture is truncated or damaged"


class TooManyPixels(TooLarge):
    """Few bytes may hold very many pixels; the header says how many."""

    code = "too_many_pixels"
    title = "The picture has more pixels than we take"


async def expect_picture(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """Pass the chunks on, if they begin as a picture does; raises NotAnImage after a few bytes.

    For what we fetch ourselves: a film or a web page is not read to its end to be refused.
    """
    start = b""
    is_known = False
    async for chunk in chunks:
        if is_known:
            yield chunk
            continue
        start += chunk
        if len(start) >= _START_BYTES:
            _check_start(start)
            is_known = True
            yield start
    if not is_known and start:  # too short for any picture; verify_image says so
        yield start


async def verify_image(file: BinaryIO, *, max_pixels: int) -> ImageHeader:
    """Return kind and size of a whole, still picture; the errors above say what else it is."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_DECODERS, _verify, file, max_pixels)


def _verify(file: BinaryIO, max_pixels: int) -> ImageHeader:
    header = _read_acceptable_header(file)
    if header.pixels == 0:
        raise TruncatedImage("It says that it has no pixels.")
    if header.pixels > max_pixels:
        raise TooManyPixels(
            f"It has {header.width} × {header.height} pixels; at most {max_pixels:,} are taken."
        )
    try:
        _check_content(file, header)
    except PngDamaged as error:
        raise TruncatedImage(f"The PNG is damaged: {error}.") from error
    except (OSError, SyntaxError, ValueError, UnidentifiedImageError) as error:
        raise TruncatedImage("It cannot be decoded to its end.") from error
    return header


def _read_acceptable_header(file: BinaryIO) -> ImageHeader:
    file.seek(0)
    start = file.read(_START_BYTES)
    if not start:
        raise EmptyFile("Send the bytes of a PNG, JPEG or WebP picture.")
    try:
        header = read_header(file)
    except HeaderTruncated as error:
        raise TruncatedImage("It ends before it says how large it is.") from error
    if header is None or header.content_type == "image/gif":
        raise _make_not_an_image(start)
    if header.is_animated:
        raise AnimatedImage("Send a single frame of it.")
    return header


def _check_start(start: bytes) -> None:
    is_webp = start[:4] == b"RIFF" and start[8:12] == b"WEBP"
    if not is_webp and not start.startswith((PNG_SIGNATURE, _JPEG_START)):
        raise _make_not_an_image(start[:_START_BYTES])


def _make_not_an_image(start: bytes) -> NotAnImage:
    return NotAnImage(f"PNG, JPEG and WebP are read; this is {_guess(start)}.")


def _check_content(file: BinaryIO, header: ImageHeader) -> None:
    if header.content_type == "image/png":
        if check_png(file):
            raise AnimatedImage("Send a single frame of it.")
        _open(file)
    elif header.content_type == "image/webp":
        _check_webp_length(file)
        if header.pixels <= _MAX_DECODED_PIXELS:
            _open(file).load()
    else:
        _check_jpeg_marks(file)
        # A progressive one keeps all its coefficients in memory, shrunk or not.
        if not header.is_progressive or header.pixels <= _MAX_DECODED_PIXELS:
            image = _open(file)
            image.draft(None, (-(-header.width // _JPEG_SHRINK), -(-header.height // _JPEG_SHRINK)))
            image.load()


def _open(file: BinaryIO) -> Image.Image:
    file.seek(0)
    return Image.open(file, formats=("PNG", "JPEG", "WEBP"))


def _check_webp_length(file: BinaryIO) -> None:
    file.seek(4)
    announced = int.from_bytes(file.read(4), "little") + 8
    if announced > os.fstat(file.fileno()).st_size:
        raise TruncatedImage("It ends before the length it announces.")


def _check_jpeg_marks(file: BinaryIO) -> None:
    """Look for the end mark, and count the scans before it.

    Compressed data holds neither mark; thumbnails before the size and films that phones
    append after the end do, and are no business of ours.
    """
    read_header(file)  # leaves the file behind the size
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        start = content.find(_JPEG_SCAN, file.tell())
        end = content.find(_JPEG_END, start) if start >= 0 else -1
        if end < 0:
            raise TruncatedImage("It ends before its end mark.")
        for _ in range(_JPEG_MAX_SCANS):
            start = content.find(_JPEG_SCAN, start + 1, end)
            if start < 0:
                return
    raise TruncatedImage("It has more scans than any program writes.")


def _guess(start: bytes) -> str:
    for mark, offset, name in _OTHERS:
        if start[offset : offset + len(mark)] == mark:
            return name
    is_text = all(byte >= 0x20 or byte in b"\t\r\n" for byte in start)
    return "text" if is_text else "something else"
