"""Opening a stranger's photo: its kind by its bytes, its size before anything is decoded.

To be called in a process of its own (`studio.py`): what decodes is C code.
"""

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageCms, TiffImagePlugin, UnidentifiedImageError

from comfyhoused.core.photos import heic
from comfyhoused.core.photos.colour import ColourSpace, find_colour_space
from comfyhoused.core.photos.errors import (
    PhotoKindUnknown,
    PhotoTooLarge,
    PhotoUnreadable,
    PhotoWorkFailed,
)
from comfyhoused.core.photos.exif import UPRIGHT, is_adobe_rgb, read_orientation
from comfyhoused.core.photos.jpeg_parts import read_jpeg_metadata
from comfyhoused.core.photos.kinds import check_tiff, expect_broken_tiff, sniff_kind
from comfyhoused.core.photos.metadata import Metadata
from comfyhoused.core.photos.png_parts import read_png_metadata
from comfyhoused.core.photos.shapes import PhotoFacts, PhotoKind

MAX_PIXELS = 100_000_000

# Pillow's own alarm would sound below our limit, which is checked before it decodes anything.
Image.MAX_IMAGE_PIXELS = None

_PLUGINS = {"jpeg": "JPEG", "png": "PNG", "webp": "WEBP", "tiff": "TIFF"}
_ALPHA_MODES = ("RGBA", "LA", "PA", "La", "RGBa")
_BIT_DEPTH_AT = 24  # of a PNG's header
_BROKEN = (
    EOFError,
    ImageCms.PyCMSError,
    IndexError,
    KeyError,
    OverflowError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


@dataclass(frozen=True, slots=True)
class OpenedPhoto:
    """A photo whose header was read. `image` decodes when it is used first."""

    facts: PhotoFacts
    image: Image.Image
    metadata: Metadata
    colours: ColourSpace


@contextmanager
def open_photo(path: Path, *, max_pixels: int = MAX_PIXELS) -> Iterator[OpenedPhoto]:
    """Give the photo, and tell what goes wrong with it in the block in our words.

    Raises PhotoKindUnknown, HeicNotInstalled, PhotoUnreadable, PhotoTooLarge, and
    PhotoWorkFailed where the disk and not the photo is at fault.
    """
    with translate_faults(), path.open("rb") as file:
        yield _open(file, max_pixels)


@contextmanager
def translate_faults() -> Iterator[None]:
    """Turn what libraries raise about a photo into errors of ours."""
    try:
        yield
    except MemoryError as error:
        raise PhotoTooLarge("It needs more memory than one photo may take.") from error
    except OSError as error:
        if error.errno is not None:
            raise PhotoWorkFailed(f"The disk failed: {error.strerror}.") from error
        raise PhotoUnreadable("It ends early or is damaged inside.") from error
    except _BROKEN as error:
        raise PhotoUnreadable("It ends early or is damaged inside.") from error


def _open(file: BinaryIO, max_pixels: int) -> OpenedPhoto:
    kind = sniff_kind(file.read(64))
    file.seek(0)
    image = heic.open_heic(file) if kind == "heic" else _open_image(kind, file)
    width, height = image.size
    if width * height > max_pixels:
        raise PhotoTooLarge(
            f"It has {width} × {height} pixels; at most {max_pixels:,} are taken here."
        )
    if kind == "tiff":
        check_tiff(image)
    elif kind in ("png", "webp") and getattr(image, "is_animated", False):
        raise PhotoKindUnknown("It moves; only still photos are edited.")
    metadata = _read_metadata(kind, file, image)
    colours = find_colour_space(
        _get_colour_mode(image), image.info.get("icc_profile"), named=_name_space(image, metadata)
    )
    return OpenedPhoto(_make_facts(kind, file, image, metadata, colours), image, metadata, colours)


def _open_image(kind: PhotoKind, file: BinaryIO) -> Image.Image:
    try:
        return Image.open(file, formats=(_PLUGINS[kind],))
    except UnidentifiedImageError:
        if kind == "tiff":
            expect_broken_tiff(file)
        raise


def _read_metadata(kind: PhotoKind, file: BinaryIO, image: Image.Image) -> Metadata:
    if kind == "heic":
        return heic.read_heic_metadata(file, image)
    if kind == "webp":
        exif = image.info.get("exif") or b""
        return Metadata(exif.removeprefix(b"Exif\x00\x00"), image.info.get("xmp") or b"")
    if kind == "tiff":  # its tags are copied by tiff_parts.py
        return Metadata()
    at = file.tell()
    metadata = read_jpeg_metadata(file) if kind == "jpeg" else read_png_metadata(file)
    file.seek(at)  # where Pillow will go on
    return metadata


def _name_space(image: Image.Image, metadata: Metadata) -> str:
    if image.format == "HEIF":
        return heic.find_named_space(image)
    return "adobe" if metadata.exif and is_adobe_rgb(metadata.exif) else ""


def _get_colour_mode(image: Image.Image) -> str:
    """Return which channels its profile is about: L, RGB, CMYK or LAB."""
    if image.mode in ("CMYK", "LAB"):
        return image.mode
    return "L" if image.mode in ("1", "L", "LA", "La") or image.mode.startswith("I") else "RGB"


def _make_facts(
    kind: PhotoKind,
    file: BinaryIO,
    image: Image.Image,
    metadata: Metadata,
    colours: ColourSpace,
) -> PhotoFacts:
    width, height = image.size
    orientation = UPRIGHT
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        orientation = int(image.tag_v2.get(0x0112, UPRIGHT))  # its decoder turns it
    elif kind != "heic":
        orientation = read_orientation(metadata.exif)
        if orientation >= 5:
            width, height = height, width
    return PhotoFacts(
        kind=kind,
        width=width,
        height=height,
        orientation=orientation if 1 <= orientation <= 8 else UPRIGHT,
        profile=colours.name,
        bits=_find_bits(kind, file, image),
        has_alpha=image.mode in _ALPHA_MODES or "transparency" in image.info,
    )


def _find_bits(kind: PhotoKind, file: BinaryIO, image: Image.Image) -> int:
    if kind == "heic":
        return int(image.info.get("bit_depth", 8))
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return int(max(image.tag_v2.get(258, (1,))))
    if kind != "png":
        return 8
    at = file.tell()
    file.seek(_BIT_DEPTH_AT)
    depth = file.read(1)
    file.seek(at)
    return 16 if depth == b"\x10" else 8
