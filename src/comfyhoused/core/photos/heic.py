"""HEIC, where the operator has installed what reads it: `pip install 'comfyhoused[heic]'`.

Its wheel holds GPL-licensed code, so that it is never needed and only imported when such a photo
comes (docs/decisions/0014). Its decoder turns the pixels by the file's own boxes: the EXIF
orientation beside them says the same once more and must not be followed.

Source: ISO/IEC 23008-12 (HEIF), ISO/IEC 23091-2 (code points of colour).
"""

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
_QUALITY = 90
#: Slower ones take five to ten times the time for a tenth less of size.
_PRESET = "ultrafast"
_CHROMAS = (420, 422, 444)
#: Larger ones are a grid of tiles, as phones write them: decoders need not take more (level 5.2).
_MOST_UNTILED_PIXELS = 8_900_000
_TILE = 1024


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


def read_heic_metadata(image: Image.Image) -> Metadata:
    """Return EXIF and XMP; further pictures (depth, gain map, bursts) are not taken along."""
    has_more = bool(image.info.get("aux")) or getattr(image, "n_frames", 1) > 1
    return Metadata(
        strip_mark(image.info.get("exif") or b""), image.info.get("xmp") or b"", (), has_more
    )


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
    image.save(
        target,
        _FORMAT,
        quality=_QUALITY,
        enc_params={"preset": _PRESET, "chroma": chroma if chroma in _CHROMAS else _CHROMAS[0]},
        tile_size=_TILE if image.width * image.height > _MOST_UNTILED_PIXELS else 0,
        exif=metadata.exif or None,
        xmp=metadata.xmp or None,
        icc_profile=profile,
    )
