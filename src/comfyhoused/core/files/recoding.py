"""One picture into another file: format, quality, mark. Pixels, profile, and nothing else.

Blocking: for a thread. Whatever a picture says besides its pixels (prompt, workflow, EXIF, XMP,
comments) is left behind, except its colour profile; an EXIF orientation is applied.
"""

from typing import BinaryIO

from PIL import Image, ImageOps, UnidentifiedImageError

from comfyhoused.core.files.finish import Finish, PictureFormat
from comfyhoused.core.files.mark import add_mark
from comfyhoused.kit.errors import BackendFailure, TooLarge

_READ = ("PNG", "JPEG", "WEBP", "GIF")
_WHITE = (255, 255, 255)
_LONGEST_WEBP_SIDE = 16_383
_LONGEST_JPEG_SIDE = 65_500
_PROFILE_SPACE = slice(16, 20)  # of an ICC profile's header: which colours it is about
_PROFILE_SPACES = {"L": b"GRAY", "RGB": b"RGB ", "RGBA": b"RGB "}


class OutputUnreadable(BackendFailure):
    """A picture that the server made is damaged, so that it cannot be finished."""

    code = "output_unreadable"
    title = "A picture of the server is damaged"


class OutputTooLarge(TooLarge):
    """A picture has more pixels than can be re-encoded or marked. Ask for it as it is."""

    code = "output_too_large"
    title = "A picture is too large to be finished"


def recode(source: BinaryIO, target: BinaryIO, finish: Finish, *, max_pixels: int) -> bool:
    """Write the finished picture to `target`; False where it moves and so stays as it is.

    Raises OutputUnreadable, OutputTooLarge.
    """
    try:
        source.seek(0)
        with Image.open(source, formats=_READ) as image:
            if getattr(image, "n_frames", 1) > 1:
                return False
            if image.width * image.height > max_pixels:
                raise OutputTooLarge(
                    f"It has {image.width} × {image.height} pixels; up to {max_pixels:,} can be "
                    "re-encoded or marked."
                )
            _write(_take_pixels(image), target, finish, _find_format(image, finish))
    except (SyntaxError, ValueError, EOFError, UnidentifiedImageError) as error:
        raise OutputUnreadable("It cannot be decoded to its end.") from error
    except OSError as error:
        if error.errno is not None:  # the disk's, not the picture's
            raise
        raise OutputUnreadable("It cannot be decoded to its end.") from error
    return True


def _find_format(image: Image.Image, finish: Finish) -> PictureFormat:
    """Return the format asked for, else its own; PNG where that one cannot hold the picture."""
    own: PictureFormat = (
        "jpeg" if image.format == "JPEG" else "webp" if image.format == "WEBP" else "png"
    )
    wanted = finish.format or own
    longest = max(image.size)
    if wanted == "webp" and longest > _LONGEST_WEBP_SIDE:
        return "png"
    if wanted == "jpeg" and longest > _LONGEST_JPEG_SIDE:
        return "png"
    return wanted


def _take_pixels(image: Image.Image) -> Image.Image:
    """Return the picture upright in mode L, RGB or RGBA, its `info` empty but for the profile."""
    ImageOps.exif_transpose(image, in_place=True)
    image.load()
    profile = image.info.get("icc_profile")
    plain = _flatten_mode(image)
    is_fitting = isinstance(profile, bytes) and (
        profile[_PROFILE_SPACE] == _PROFILE_SPACES[plain.mode]
    )
    plain.info = {"icc_profile": profile} if is_fitting else {}
    return plain


def _flatten_mode(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":  # 16 bits; convert() would cut, not scale
        return image.point(lambda value: value * (1 / 256)).convert("L")
    if image.mode in ("LA", "La", "PA") or "transparency" in image.info:
        return image.convert("RGBA")
    if image.mode in ("L", "RGB", "RGBA"):
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _write(image: Image.Image, target: BinaryIO, finish: Finish, kind: PictureFormat) -> None:
    profile = image.info.get("icc_profile")
    if kind == "jpeg" and image.mode == "RGBA":
        image = _put_on_white(image)
    if kind == "webp" and image.mode == "L":
        image, profile = image.convert("RGB"), None
    if finish.mark:
        add_mark(image, finish.mark)
    if kind == "png":
        image.save(target, "PNG", icc_profile=profile)
    elif kind == "webp":
        image.save(target, "WEBP", quality=finish.quality, method=4, icc_profile=profile)
    else:
        image.save(target, "JPEG", quality=finish.quality, optimize=True, icc_profile=profile)


def _put_on_white(image: Image.Image) -> Image.Image:
    white = Image.new("RGB", image.size, _WHITE)
    white.paste(image, mask=image.getchannel("A"))
    return white
