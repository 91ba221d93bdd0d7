"""HEIC, where the operator has installed what reads it: `pip install 'comfyhoused[heic]'`.

Its wheel holds GPL-licensed code, so that it is never needed and only imported when such a photo
comes (docs/decisions/0014). Its decoder turns the pixels by the file's own boxes: the EXIF
orientation beside them says the same once more and must not be followed.

Source: ISO/IEC 23008-12 (HEIF), ISO/IEC 23091-2 (code points of colour).
"""

import struct
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, BinaryIO

from PIL import Image

from comfyhoused.core.photos.errors import HeicNotInstalled, PhotoKindUnknown
from comfyhoused.core.photos.exif import strip_mark
from comfyhoused.core.photos.metadata import Metadata

_MODULE = "pillow_heif"
_FORMAT = "HEIF"
_P3_PRIMARIES = 12
_BRIGHT_CURVES = (16, 18)  # PQ and HLG: pictures for screens brighter than paper
#: As fine as a JPEG at 92, by the distance from the pixels that went in.
_QUALITY = 80
#: Slower ones take five to ten times the time for a tenth less of size. What libheif adds by itself
#: to the fastest is taken away again.
_FASTEST = {"preset": "ultrafast", "tu-intra-depth": 1, "x265:signhide": "0"}
#: All blocks of one size: at this fineness larger ones find next to nothing. A decoder takes them
#: from pictures of up to 2.2 megapixels only (H.265, A.4.1: levels below 5).
_SMALL_BLOCKS = {"x265:ctu": "16", "x265:min-cu-size": "16"}
_LARGE_BLOCKS = {"x265:ctu": "32", "x265:min-cu-size": "16"}
_CHROMAS = (420, 422, 444)
#: Larger ones are a grid of tiles, as phones write them; alpha does not go with it.
_TILE = 1024
_FILM = b"mpvd"  # what a motion photo's film lies in, behind the pictures
_MOST_BOXES = 64


def is_installed() -> bool:
    """Tell whether HEIC photos can be read here."""
    return find_spec(_MODULE) is not None


@cache
def _install() -> None:
    if not is_installed():
        raise HeicNotInstalled(
            "It is a HEIC photo. Whoever runs this server can add `comfyhoused[heic]`; or let "
            "the phone save photos as JPEG ('Most Compatible')."
        )
    plugin: Any = import_module(_MODULE)
    plugin.register_heif_opener(
        thumbnails=False, depth_images=False, aux_images=False, decode_threads=1
    )


def can_write_heic() -> bool:
    """Tell whether the installed part encodes, too."""
    _install()
    return _FORMAT in Image.SAVE


def open_heic(file: BinaryIO) -> Image.Image:
    """Return the main picture, not decoded yet; its size is the upright one.

    Raises HeicNotInstalled, PhotoKindUnknown for a film or for HDR curves, and what Pillow does.
    """
    _install()
    image = Image.open(file, formats=(_FORMAT,))
    curve = image.info.get("nclx_profile", {}).get("transfer_characteristics")
    if curve in _BRIGHT_CURVES and not image.info.get("icc_profile"):
        raise PhotoKindUnknown("It is an HDR photo (PQ or HLG), which presets cannot edit yet.")
    return image


def find_named_space(image: Image.Image) -> str:
    """Return `p3` where the file says so by a code point, else nothing."""
    primaries = image.info.get("nclx_profile", {}).get("color_primaries")
    return "p3" if primaries == _P3_PRIMARIES else ""


def read_heic_metadata(file: BinaryIO, image: Image.Image) -> Metadata:
    """Return EXIF and XMP; further pictures (depth, gain map, bursts, films) stay behind."""
    has_more = bool(image.info.get("aux")) or getattr(image, "n_frames", 1) > 1 or _has_film(file)
    return Metadata(
        strip_mark(image.info.get("exif") or b""), image.info.get("xmp") or b"", (), has_more
    )


def _has_film(file: BinaryIO) -> bool:
    at = file.tell()
    file.seek(0)
    try:
        for _ in range(_MOST_BOXES):
            size, name = struct.unpack(">I4s", file.read(8))
            if name == _FILM or size < 8:  # a size of 0 or 1: pixels up to the end, or very many
                return bool(name == _FILM)
            file.seek(size - 8, 1)
    except struct.error:  # the end
        pass
    finally:
        file.seek(at)
    return False


def write_heic(
    image: Image.Image,
    target: BinaryIO,
    metadata: Metadata,
    profile: bytes | None,
    original: Image.Image,
) -> None:
    """Encode it; its pixels are upright, and its metadata says so.

    Colours keep the resolution that the original's have.
    """
    chroma = original.info.get("chroma")
    image.info = {}
    is_small = image.mode not in ("LA", "RGBA") or max(image.size) <= _TILE
    blocks = _SMALL_BLOCKS if is_small else _LARGE_BLOCKS
    image.save(
        target,
        _FORMAT,
        quality=_QUALITY,
        enc_params=_FASTEST | blocks | {"chroma": chroma if chroma in _CHROMAS else _CHROMAS[0]},
        tile_size=_TILE,
        exif=metadata.exif or None,
        xmp=metadata.xmp or None,
        icc_profile=profile,
    )
