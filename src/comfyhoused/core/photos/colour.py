"""Colours of a photo: from its own space into sRGB, and back.

Relative colorimetric with black point compensation both ways, by LittleCMS. A photo without a
profile is sRGB, as every browser takes it. Source: ICC.1:2022.
"""

from dataclasses import dataclass
from functools import cache
from io import BytesIO

from PIL import Image, ImageCms

from comfyhoused.core.photos.profiles import make_adobe_rgb, make_display_p3

SRGB = "sRGB"

_SPACES = {"L": b"GRAY", "RGB": b"RGB ", "CMYK": b"CMYK"}
_SPACE_AT = slice(16, 20)
_LONGEST_NAME = 60
_STEPS = (0, 51, 102, 153, 204, 255)
#: A photo's neighbours are seldom the same: looking back at the last pixel only costs.
_FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION | ImageCms.Flags.NOCACHE
_INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC


@dataclass(frozen=True, slots=True)
class ColourSpace:
    """A photo's colours. `profile` is embedded in its result too; None: it had none, or none fit.

    `is_srgb` tells that its pixels are sRGB already, to one level.
    """

    name: str
    profile: bytes | None
    is_srgb: bool


def find_colour_space(mode: str, profile: bytes | None, *, named: str = "") -> ColourSpace:
    """Return the space of a picture of mode L, RGB, CMYK or LAB.

    `named` is `adobe` or `p3` where the file says so without a profile. A profile that is
    broken, or is about other channels, counts as none.
    """
    if profile is None and mode == "RGB" and named:
        profile = make_adobe_rgb() if named == "adobe" else make_display_p3()
    if profile is None or profile[_SPACE_AT] != _SPACES.get(mode):
        return ColourSpace(SRGB, None, is_srgb=mode in ("L", "RGB"))
    try:
        opened = _open(profile)
        name = ImageCms.getProfileDescription(opened).strip()[:_LONGEST_NAME]
        is_srgb = mode == "RGB" and _is_srgb(profile)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return ColourSpace(SRGB, None, is_srgb=mode in ("L", "RGB"))
    return ColourSpace(name or "unnamed", profile, is_srgb)


def convert_to_srgb(image: Image.Image, space: ColourSpace) -> Image.Image:
    """Return mode RGB in sRGB of a picture of mode L, RGB, CMYK or LAB, which is used up."""
    if space.is_srgb:
        return image if image.mode == "RGB" else image.convert("RGB")
    if image.mode == "LAB":
        lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
        return _apply(image, lab, _srgb(), "LAB", "RGB")
    if space.profile is None:  # CMYK of no known press
        return image.convert("RGB")
    return _apply(image, _open(space.profile), _srgb(), image.mode, "RGB")


def convert_from_srgb(image: Image.Image, space: ColourSpace) -> Image.Image | None:
    """Return mode RGB in the space, `image` being used up.

    None, and `image` as it was, where the profile leads one way only, or is not about RGB.
    """
    if space.is_srgb:
        return image
    if space.profile is None or space.profile[_SPACE_AT] != b"RGB ":
        return None
    try:
        return _apply(image, _srgb(), _open(space.profile), "RGB", "RGB")
    except ImageCms.PyCMSError:
        return None


def make_srgb_profile() -> bytes:
    """Return a profile that says sRGB."""
    return _srgb().tobytes()


def _open(profile: bytes) -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(BytesIO(profile))


@cache
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def _is_srgb(profile: bytes) -> bool:
    """Tell by colours, not by the name: there are dozens of sRGB profiles."""
    cube = Image.new("RGB", (len(_STEPS) ** 2, len(_STEPS)))
    cube.putdata([(r, g, b) for r in _STEPS for g in _STEPS for b in _STEPS])
    before = cube.tobytes()
    seen = _apply(cube, _open(profile), _srgb(), "RGB", "RGB")
    pairs = zip(before, seen.tobytes(), strict=True)
    return all(abs(ours - theirs) <= 1 for ours, theirs in pairs)


def _apply(
    image: Image.Image,
    from_profile: ImageCms.ImageCmsProfile,
    to_profile: ImageCms.ImageCmsProfile,
    from_mode: str,
    to_mode: str,
) -> Image.Image:
    transform = ImageCms.buildTransform(
        from_profile, to_profile, from_mode, to_mode, _INTENT, _FLAGS
    )
    if from_mode == to_mode:  # saves a picture's room, and the time to fill it
        transform.apply_in_place(image)
        return image
    return transform.apply(image)
