"""Decoding picture files the way ComfyUI's loaders see them."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image, ImageFile, ImageOps, ImageSequence

from comfyhouse_engine.nodes.tensors import Floats, check_allocation, floats_from_bytes

LARGEST_PIXELS = 2**27
"""Most pixels that one file may decode to, all frames together: 1.6 GB as float32."""

_ONLY_FIRST_FRAME = {"MPO"}
_EMPTY_MASK_SIDE = 64

_truncated_lock = threading.Lock()
_T = TypeVar("_T")


class TooManyPixels(Exception):
    """The picture is larger than the engine decodes."""


def read_picture(path: Path, largest_pixels: int = LARGEST_PIXELS) -> tuple[Floats, Floats]:
    """Return (IMAGE, MASK) of every frame that has the first frame's size.

    EXIF orientation is applied, colour profiles are ignored, a mask is 1 - alpha (64 x 64 zeros
    without alpha), missing rows of a truncated file are black. Raises TooManyPixels, OSError
    (PIL.UnidentifiedImageError for what is no picture), PIL.Image.DecompressionBombError.
    """
    return _with_tolerance(lambda: _read_frames(path, largest_pixels))


def read_channel(path: Path, channel: str, largest_pixels: int = LARGEST_PIXELS) -> Floats:
    """Return the mask [1, height, width] that one of `alpha`, `red`, `green`, `blue` gives.

    Alpha is inverted, as in ComfyUI. Raises as `read_picture`.
    """
    return _with_tolerance(lambda: _read_channel(path, channel, largest_pixels))


def _read_frames(path: Path, largest_pixels: int) -> tuple[Floats, Floats]:
    images: list[Floats] = []
    masks: list[Floats] = []
    with Image.open(path) as file:
        _check_pixels(file, 1, largest_pixels)
        first_only = file.format in _ONLY_FIRST_FRAME
        for frame in ImageSequence.Iterator(file):
            _check_pixels(file, len(images) + 1, largest_pixels)
            upright = _as_eight_bits(ImageOps.exif_transpose(frame))
            if images and upright.size != (images[0].shape[1], images[0].shape[0]):
                continue
            images.append(floats_from_bytes(np.asarray(upright.convert("RGB"))))
            masks.append(_mask_of(upright))
            if first_only:
                break
    return np.stack(images), np.stack(masks)


def _read_channel(path: Path, channel: str, largest_pixels: int) -> Floats:
    with Image.open(path) as file:
        _check_pixels(file, 1, largest_pixels)
        upright = _as_eight_bits(ImageOps.exif_transpose(file))
        if upright.mode != "RGBA":
            upright = upright.convert("RGBA")
        values = floats_from_bytes(np.asarray(upright.getchannel(channel[0].upper())))
    return (1.0 - values if channel == "alpha" else values)[None]


def _mask_of(picture: Image.Image) -> Floats:
    if picture.mode == "P" and "transparency" in picture.info:
        picture = picture.convert("RGBA")
    if "A" not in picture.getbands():
        return np.zeros((_EMPTY_MASK_SIDE, _EMPTY_MASK_SIDE), np.float32)
    return np.float32(1.0) - floats_from_bytes(np.asarray(picture.getchannel("A")))


def _as_eight_bits(picture: Image.Image) -> Image.Image:
    """Bring 16-bit grey into 0..255 by ComfyUI's factor of 1/255.

    Newer Pillows call such files `I;16`, which `convert` would clip to white: what ComfyUI does
    for `I` is done for both.
    """
    if picture.mode.startswith("I;16"):
        picture = picture.convert("I")
    if picture.mode == "I":
        return picture.point(lambda value: value * (1 / 255))
    return picture


def _check_pixels(file: Image.Image, frames: int, largest: int) -> None:
    width, height = file.size
    if width * height * frames > largest:
        raise TooManyPixels(
            f"Image size ({width * height * frames} pixels) exceeds limit of "
            f"{largest} pixels, could be decompression bomb DOS attack."
        )
    check_allocation(frames, height, width, 3)


def _with_tolerance(read: Callable[[], _T]) -> _T:
    """Read strictly; on failure once more, accepting a truncated file (recording d1).

    Pillow's switch is global, hence the lock, and it is put back: /view must stay strict.
    """
    try:
        return read()
    except (OSError, ValueError, SyntaxError):
        with _truncated_lock:
            before = ImageFile.LOAD_TRUNCATED_IMAGES
            ImageFile.LOAD_TRUNCATED_IMAGES = True
            try:
                return read()
            finally:
                ImageFile.LOAD_TRUNCATED_IMAGES = before
