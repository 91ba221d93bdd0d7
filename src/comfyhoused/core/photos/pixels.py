"""A photo's pixels: decoded, upright, in sRGB. Alpha goes beside the colours, never through them.

Every decoder has its own habit with orientations: Pillow's JPEG, PNG and WebP leave them to us,
its TIFF has turned the pixels when they arrive, libheif has too and EXIF says it once more.
"""

from PIL import Image

from comfyhoused.core.photos.colour import convert_to_srgb
from comfyhoused.core.photos.opening import OpenedPhoto

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_LEFT_TO_US = ("jpeg", "png", "webp")
_OPAQUE = 255


def decode(
    photo: OpenedPhoto, *, about: int | None = None
) -> tuple[Image.Image, Image.Image | None]:
    """Return the colours (mode L, RGB, CMYK or LAB) and the alpha (mode L; None: opaque), upright.

    `about`: only so large is needed on the longest side, so that a JPEG may be decoded smaller.
    """
    image = photo.image
    if about is not None:
        image.draft(None, (about, about))
    image.load()
    colours, alpha = _part(image)
    turn = _TURNS.get(photo.facts.orientation) if photo.facts.kind in _LEFT_TO_US else None
    if turn is not None:
        colours = colours.transpose(turn)
        alpha = alpha.transpose(turn) if alpha else None
    return colours, alpha


def decode_srgb(
    photo: OpenedPhoto, *, about: int | None = None
) -> tuple[Image.Image, Image.Image | None]:
    """Return the same with the colours as mode RGB in sRGB."""
    colours, alpha = decode(photo, about=about)
    return convert_to_srgb(colours, photo.colours), alpha


def read_picture(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Return a preset's output, which is sRGB, likewise."""
    image.load()
    colours, alpha = _part(image)
    return colours if colours.mode == "RGB" else colours.convert("RGB"), alpha


def _part(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    plain = _simplify(image)
    if plain.mode not in ("LA", "RGBA"):
        return plain, None
    alpha = plain.getchannel("A")
    colours = plain.convert("L" if plain.mode == "LA" else "RGB")
    return colours, None if alpha.getextrema()[0] == _OPAQUE else alpha


def _simplify(image: Image.Image) -> Image.Image:
    """Return mode L, LA, RGB, RGBA, CMYK or LAB, 8 bits a channel."""
    if image.mode.startswith("I"):  # 16 bits of grey; convert() would cut, not scale
        plain = image if image.mode == "I;16" else image.convert("I")
        return plain.point(lambda value: value * (1 / 256)).convert("L")
    if image.mode in ("L", "RGB", "CMYK", "LAB") and "transparency" not in image.info:
        return image
    if image.mode in ("LA", "La"):
        return image.convert("LA")
    if image.mode in ("RGBa", "PA") or "transparency" in image.info:
        return image.convert("RGBA")
    if image.mode == "RGBA":
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def join(colours: Image.Image, alpha: Image.Image | None) -> Image.Image:
    """Return colours and alpha as one picture."""
    if alpha is None:
        return colours
    joined = colours.convert("LA" if colours.mode == "L" else "RGBA")
    joined.putalpha(alpha)
    return joined
