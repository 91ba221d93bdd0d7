"""What a result could not keep of its original, in words for the photo's owner."""

from typing import Any

from comfyhoused.core.photos.shapes import Note

KEPT_WORDS: dict[Note, str] = {
    "transparent_as_png": "The result is a PNG, because a JPEG cannot be transparent.",
    "heic_as_jpeg": "The result is a JPEG: HEIC photos are read on this server, but not written.",
    "webp_with_loss": (
        "The result is compressed with a little loss: without, it would be too large for us."
    ),
    "eight_bits": "The original has more than 8 bits a colour; the result has 8.",
    "in_srgb": "The result is in sRGB: its original's colour profile leads one way only.",
    "hdr_part_dropped": (
        "The photo's file held more than the photo (a gain map, another view or a film); "
        "the result is the photo alone."
    ),
    "metadata_dropped": "Some of what the original says of itself had no place in the result.",
}


def describe_kept(report: dict[str, Any] | None) -> tuple[str, ...]:
    """Return the sentences for an edit's report; none where everything was kept."""
    codes = (report or {}).get("kept", ())
    return tuple(words for code, words in KEPT_WORDS.items() if code in codes)
