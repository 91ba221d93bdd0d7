"""An original as a preset wants it: upright, 8-bit sRGB, a PNG that says nothing else."""

from collections.abc import Sequence
from pathlib import Path

from comfyhoused.core.photos.opening import MAX_PIXELS, open_photo
from comfyhoused.core.photos.pixels import decode_srgb, join
from comfyhoused.core.photos.png_parts import write_png
from comfyhoused.core.photos.previews import write_previews
from comfyhoused.core.photos.shapes import PhotoFacts, PreparedPhoto, PreviewWanted

#: Larger ones are compressed: ComfyUI takes 100 MB in one upload, and stored pixels are 3 bytes.
_MOST_STORED_PIXELS = 24_000_000


def inspect_photo(path: Path, *, max_pixels: int = MAX_PIXELS) -> PhotoFacts:
    """Read a photo's header; raises what `open_photo` does."""
    with open_photo(path, max_pixels=max_pixels) as photo:
        return photo.facts


def prepare_photo(
    original: Path,
    target: Path,
    previews: Sequence[PreviewWanted] = (),
    *,
    max_pixels: int = MAX_PIXELS,
) -> PreparedPhoto:
    """Write the PNG to `target`, and small pictures of the original as wanted.

    Raises what `open_photo` does. The original is opened for reading only.
    """
    with open_photo(original, max_pixels=max_pixels) as photo:
        colours, alpha = decode_srgb(photo)
        with target.open("wb") as file:
            is_packed = photo.facts.pixels > _MOST_STORED_PIXELS
            write_png(join(colours, alpha), file, is_packed=is_packed)
        return PreparedPhoto(photo.facts, write_previews(colours, alpha, previews))
