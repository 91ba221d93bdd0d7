"""Small pictures for pages: upright, in sRGB, and silent about where a photo was taken."""

from collections.abc import Sequence
from math import ceil
from pathlib import Path

from PIL import Image

from comfyhoused.core.photos.opening import MAX_PIXELS, open_photo
from comfyhoused.core.photos.pixels import decode_srgb, join
from comfyhoused.core.photos.shapes import Preview, PreviewWanted

_QUALITY = 84
_WEBP_METHOD = 2
_GAP = 1.1  # halves as often as possible before it scales with care: a third of the time
#: Of a large picture whole blocks of pixels are averaged, in a fifth of the time, where what comes
#: out is at least so near to what is wanted.
_NEAR, _LARGE_PIXELS = 0.9, 4_000_000


def make_preview(
    source: Path, target: Path, longest: int, *, max_pixels: int = MAX_PIXELS
) -> Preview:
    """Write a small picture of any photo that we read; never larger than the photo itself.

    Raises what `open_photo` does.
    """
    with open_photo(source, max_pixels=max_pixels) as photo:
        colours, alpha = decode_srgb(photo, about=longest)
        return write_previews(colours, alpha, [PreviewWanted(target, longest)])[0]


def write_previews(
    colours: Image.Image, alpha: Image.Image | None, wanted: Sequence[PreviewWanted]
) -> tuple[Preview, ...]:
    """Write what is wanted, the largest first: each is made of the one before."""
    made: dict[Path, Preview] = {}
    for want in sorted(wanted, key=lambda one: -one.longest):
        colours = _shrink(colours, want.longest)
        alpha = _shrink(alpha, want.longest) if alpha else None
        made[want.target] = _write(join(colours, alpha), want.target)
    return tuple(made[want.target] for want in wanted)


def _shrink(image: Image.Image, longest: int) -> Image.Image:
    scale = longest / max(image.size)
    if scale >= 1:
        return image
    factor = ceil(1 / scale)
    if image.width * image.height >= _LARGE_PIXELS and factor * scale <= 1 / _NEAR:
        return image.reduce(factor)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.HAMMING, reducing_gap=_GAP)


def _write(image: Image.Image, target: Path) -> Preview:
    is_opaque = image.mode == "RGB"
    with target.open("wb") as file:
        if is_opaque:
            image.save(file, "JPEG", quality=_QUALITY, icc_profile=None, exif=b"")
        else:
            image.save(file, "WEBP", quality=_QUALITY, method=_WEBP_METHOD, icc_profile=b"")
    return Preview(
        "image/jpeg" if is_opaque else "image/webp",
        image.width,
        image.height,
        target.stat().st_size,
    )
