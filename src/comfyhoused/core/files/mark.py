"""The small visible mark in a picture's corner, readable on light and on dark."""

from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

_SHARE = 0.024  # height of the letters, of the shorter side
_SMALLEST, _LARGEST = 9, 96  # of the letters, in pixels
_MARGIN = 0.75  # all of these in heights of the letters
_PADDING_X, _PADDING_Y = 0.6, 0.35
_RADIUS = 0.55
_WIDEST = 0.9  # of the picture's width
_PLATE = (16, 18, 22, 160)
_LETTERS = (255, 255, 255, 235)


def add_mark(image: Image.Image, text: str) -> None:
    """Draw the text into the lower right corner, in place; modes L, RGB and RGBA.

    Only the corner is copied, whatever the size of the picture.
    """
    size = round(min(max(min(image.size) * _SHARE, _SMALLEST), _LARGEST))
    plate = _fit(_draw_plate(text, size), image.size)
    margin = min(round(size * _MARGIN), *(
        (whole - part) // 2 for whole, part in zip(image.size, plate.size, strict=True)
    ))  # fmt: skip
    left = image.width - plate.width - margin
    top = image.height - plate.height - margin
    box = (left, top, left + plate.width, top + plate.height)
    corner = image.crop(box).convert("RGBA")
    corner.alpha_composite(plate)
    image.paste(corner.convert(image.mode), box)


def _fit(plate: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Shrink the plate where a picture is too small for it; never below one pixel."""
    share = min(1.0, size[0] * _WIDEST / plate.width, size[1] * _WIDEST / plate.height)
    if share == 1.0:
        return plate
    return plate.resize((max(1, int(plate.width * share)), max(1, int(plate.height * share))))


@lru_cache(maxsize=32)
def _draw_plate(text: str, size: int) -> Image.Image:
    font = ImageFont.load_default(size)
    left, top, right, bottom = font.getbbox(text)
    padding_x, padding_y = size * _PADDING_X, size * _PADDING_Y
    # Its height comes from the letters' size, not from the text: every plate looks alike.
    box = (round(right - left + 2 * padding_x), round(size + 2 * padding_y))
    plate = Image.new("RGBA", box, (*_PLATE[:3], 0))
    draw = ImageDraw.Draw(plate)
    draw.rounded_rectangle((0, 0, box[0] - 1, box[1] - 1), size * _RADIUS, fill=_PLATE)
    at = (padding_x - left, (box[1] - (bottom - top)) / 2 - top)
    draw.text(at, text, font=font, fill=_LETTERS)
    return plate
