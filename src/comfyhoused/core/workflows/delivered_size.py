"""How large the pictures of one job may be when they are handed over."""

from collections.abc import Iterator

from comfyhoused.kit.errors import FieldError

MOST_DELIVERED_PIXELS = 64 * 1024 * 1024
"""All pictures of a job together: a server holds several copies of them as 32-bit floats."""

_LONGEST_SIDES = {"webp": 16_383, "jpeg": 65_535}
"""What the formats can hold (RFC 9649, 2.6; ITU-T T.81, B.2.2)."""


def find_size_errors(
    width: int, height: int, *, count: int, output_format: str, pointer: str
) -> Iterator[FieldError]:
    """Yield what is too large; `pointer` is the field that the size follows from."""
    if width * height * count > MOST_DELIVERED_PIXELS:
        most = MOST_DELIVERED_PIXELS // 1024**2
        pictures = f"{count} pictures of " if count > 1 else ""
        detail = f"the result, {pictures}{width} × {height}, has more than {most} megapixels"
        yield FieldError(pointer=pointer, detail=detail)
    longest = _LONGEST_SIDES.get(output_format)
    if longest is not None and max(width, height) > longest:
        detail = f"{output_format} holds at most {longest} pixels a side, not {width} × {height}"
        yield FieldError(pointer="/output_format", detail=detail, allowed=["png"])
