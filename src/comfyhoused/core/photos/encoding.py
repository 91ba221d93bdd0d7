"""Pixels into a file of a kind, as finely as the original was, with what is to be said of them."""

from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from PIL import Image, JpegImagePlugin, TiffImagePlugin

from comfyhoused.core.photos.heic import write_heic
from comfyhoused.core.photos.jpeg_parts import put_jpeg_metadata
from comfyhoused.core.photos.metadata import Metadata
from comfyhoused.core.photos.opening import OpenedPhoto
from comfyhoused.core.photos.png_parts import write_png
from comfyhoused.core.photos.riff_parts import is_lossless_webp
from comfyhoused.core.photos.shapes import PhotoKind
from comfyhoused.core.photos.tiff_parts import copy_tiff_tags

#: Never coarser than this; finer where the original was.
_QUALITY = 92
#: The sum of the 64 steps of brightness at that quality (T.81, table K.1, at 16 %).
_FINE_STEPS = 592
#: A WebP at it is as fine as a JPEG at 92. More effort takes twice the time for a tenth less of
#: size, and without loss ten times.
_WEBP_QUALITY, _WEBP_METHOD, _LOSSLESS_EFFORT = 93, 0, 20
#: Where nothing is to be lost its encoder takes more than 34 bytes of memory a pixel.
_MOST_LOSSLESS_PIXELS, _FINEST = 20_000_000, 100
_TIFF_COMPRESSIONS = {"raw": None, "packbits": "packbits", "tiff_lzw": "tiff_lzw"}
_PREDICTOR, _DIFFERENCES = 317, 2


def encode(
    photo: OpenedPhoto,
    original: Path,
    target: Path,
    kind: PhotoKind,
    image: Image.Image,
    metadata: Metadata,
    profile: bytes | None,
) -> bool:
    """Write the target; return whether all that the original said could be kept.

    `metadata` and `profile` are those of the result, as of the kind that is written.
    """
    own = metadata if kind == photo.facts.kind else _leave_native(metadata)
    with target.open("w+b") as file:
        if kind == "jpeg":
            return _write_jpeg(photo.image, image, file, own, profile) and own == metadata
        if kind == "png":
            write_png(image, file, metadata=own, profile=profile)
        elif kind == "webp":
            _write_webp(image, file, own, profile, is_lossless=is_lossless_webp(original))
        elif kind == "heic":
            write_heic(image, file, own, profile, photo.image)
        else:
            return _write_tiff(photo, original, image, file, profile)
    return own == metadata


def _leave_native(metadata: Metadata) -> Metadata:
    return Metadata(metadata.exif, metadata.xmp, (), metadata.has_more_pictures)


def _write_jpeg(
    original: Image.Image,
    image: Image.Image,
    file: BinaryIO,
    metadata: Metadata,
    profile: bytes | None,
) -> bool:
    buffer = BytesIO()
    image.save(buffer, "JPEG", **_choose_jpeg(original))
    parts, is_whole = put_jpeg_metadata(buffer.getvalue(), metadata, profile)
    file.writelines(parts)
    return is_whole


def _choose_jpeg(original: Image.Image) -> dict[str, object]:
    """Return how to encode: by the original's own tables where they are fine, else at quality 92.

    Colours keep the resolution that they had, and no less.
    """
    if not isinstance(original, JpegImagePlugin.JpegImageFile):
        return {"quality": _QUALITY, "subsampling": 0}
    sampling = JpegImagePlugin.get_sampling(original)
    chosen: dict[str, object] = {"subsampling": sampling if sampling in (0, 1, 2) else 0}
    tables = original.quantization
    if tables and sum(tables[min(tables)]) <= _FINE_STEPS and original.mode in ("L", "RGB"):
        return chosen | {"qtables": [tables[key] for key in sorted(tables)]}
    return chosen | {"quality": _QUALITY}


def choose_webp(pixels: int, *, is_lossless: bool) -> dict[str, object]:
    """Return how to encode: without loss where the original was, and memory lets us."""
    if not is_lossless:
        return {"quality": _WEBP_QUALITY}
    if pixels > _MOST_LOSSLESS_PIXELS:
        return {"quality": _FINEST, "exact": True}
    return {"quality": _LOSSLESS_EFFORT, "exact": True, "lossless": True}


def _write_webp(
    image: Image.Image,
    file: BinaryIO,
    metadata: Metadata,
    profile: bytes | None,
    *,
    is_lossless: bool,
) -> None:
    image.save(
        file,
        "WEBP",
        method=_WEBP_METHOD,
        exif=metadata.exif,
        xmp=metadata.xmp,
        icc_profile=profile,
        **choose_webp(image.width * image.height, is_lossless=is_lossless),
    )


def _write_tiff(
    photo: OpenedPhoto,
    original: Path,
    image: Image.Image,
    file: BinaryIO,
    profile: bytes | None,
) -> bool:
    assert isinstance(photo.image, TiffImagePlugin.TiffImageFile)
    packing = _TIFF_COMPRESSIONS.get(
        photo.image.info.get("compression", "raw"), "tiff_adobe_deflate"
    )
    tags = {_PREDICTOR: _DIFFERENCES} if packing in ("tiff_lzw", "tiff_adobe_deflate") else {}
    image.save(file, "TIFF", compression=packing, tiffinfo=tags, icc_profile=profile)
    return copy_tiff_tags(original, file, image.size, is_srgb=profile != photo.colours.profile)
