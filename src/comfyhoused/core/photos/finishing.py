"""A preset's output as a photo like its original: format, colours, and all it said."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageChops

from comfyhoused.core.photos import heic
from comfyhoused.core.photos.colour import convert_from_srgb, make_srgb_profile
from comfyhoused.core.photos.encoding import choose_webp, encode
from comfyhoused.core.photos.errors import PhotoTooLarge
from comfyhoused.core.photos.opening import MAX_PIXELS, OpenedPhoto, open_photo, translate_faults
from comfyhoused.core.photos.pixels import decode, join, read_picture
from comfyhoused.core.photos.previews import write_previews
from comfyhoused.core.photos.riff_parts import is_lossless_webp
from comfyhoused.core.photos.shapes import FinishedPhoto, Note, PhotoKind, PreviewWanted
from comfyhoused.core.photos.xmp import has_gain_map

_GREY_LEVELS = 2  # channels that differ by so little show no colour


@dataclass(frozen=True, slots=True)
class _Look:
    """The result's pixels: `profile` is what they are in (None: sRGB that is not spelt out)."""

    image: Image.Image
    profile: bytes | None
    is_srgb_instead: bool


def finish_photo(
    original: Path,
    output: Path,
    target: Path,
    previews: Sequence[PreviewWanted] = (),
    *,
    max_pixels: int = MAX_PIXELS,
) -> FinishedPhoto:
    """Write the output (sRGB, PNG as ComfyUI saves it) to `target` as a photo like its original.

    Raises what `open_photo` does, about the original or the output.
    """
    with open_photo(original, max_pixels=max_pixels) as photo:
        colours, alpha = _read_output(output, max_pixels)
        if alpha is None:
            alpha = _find_old_alpha(photo, colours.size)
        made = write_previews(colours, alpha, previews)
        kind = _choose_kind(photo.facts.kind, has_alpha=alpha is not None)
        look = _restore_colours(photo, colours, kind)
        metadata = photo.metadata.fit(*colours.size, is_srgb=look.is_srgb_instead)
        is_whole = encode(
            photo, original, target, kind, join(look.image, alpha), metadata, look.profile
        )
        notes = list(_list_notes(photo, kind, look, is_whole=is_whole))
        if kind == "webp" and _loses(original, colours.width * colours.height):
            notes.append("webp_with_loss")
        return FinishedPhoto(
            kind=kind,
            width=colours.width,
            height=colours.height,
            size_bytes=target.stat().st_size,
            notes=tuple(notes),
            previews=made,
        )


def _read_output(path: Path, max_pixels: int) -> tuple[Image.Image, Image.Image | None]:
    with translate_faults(), path.open("rb") as file:
        image = Image.open(file, formats=("PNG", "JPEG", "WEBP"))
        if image.width * image.height > max_pixels:
            raise PhotoTooLarge(f"The result has {image.width} × {image.height} pixels.")
        return read_picture(image)


def _find_old_alpha(photo: OpenedPhoto, size: tuple[int, int]) -> Image.Image | None:
    """Return the original's alpha where the result lies on it pixel by pixel."""
    if not photo.facts.has_alpha or size != (photo.facts.width, photo.facts.height):
        return None
    return decode(photo)[1]


def _choose_kind(kind: PhotoKind, *, has_alpha: bool) -> PhotoKind:
    if kind == "heic" and not heic.can_write_heic():
        kind = "jpeg"
    return "png" if kind == "jpeg" and has_alpha else kind


def _restore_colours(photo: OpenedPhoto, colours: Image.Image, kind: PhotoKind) -> _Look:
    mode = photo.image.mode
    is_grey_kind = mode in ("1", "L", "LA", "La") or mode.startswith("I")
    if is_grey_kind and kind in ("jpeg", "png", "tiff") and _is_grey(colours):
        # Without a profile grey and sRGB have the same curve; with one it is told that it is sRGB.
        has_profile = photo.colours.profile is not None
        return _Look(colours.convert("L"), None, is_srgb_instead=has_profile)
    back = convert_from_srgb(colours, photo.colours)
    if back is not None:
        return _Look(back, photo.colours.profile, is_srgb_instead=False)
    return _Look(colours, make_srgb_profile(), is_srgb_instead=True)


def _is_grey(colours: Image.Image) -> bool:
    red, green, blue = colours.split()
    apart = [ImageChops.difference(*pair) for pair in ((red, green), (green, blue))]
    return not any(any(image.histogram()[_GREY_LEVELS + 1 :]) for image in apart)


def _loses(original: Path, pixels: int) -> bool:
    """Tell whether a WebP that had no loss has some now."""
    return is_lossless_webp(original) and "lossless" not in choose_webp(pixels, is_lossless=True)


def _list_notes(
    photo: OpenedPhoto, kind: PhotoKind, look: _Look, *, is_whole: bool
) -> Iterator[Note]:
    if photo.facts.bits > 8:
        yield "eight_bits"
    if photo.facts.kind == "heic" and kind != "heic":
        yield "heic_as_jpeg"
    if photo.metadata.has_more_pictures or has_gain_map(photo.metadata.xmp):
        yield "hdr_part_dropped"
    if look.is_srgb_instead:
        yield "in_srgb"
    if not is_whole:
        yield "metadata_dropped"
    if photo.facts.kind != "png" and kind == "png":
        yield "transparent_as_png"
