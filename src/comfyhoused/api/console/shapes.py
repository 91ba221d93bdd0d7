"""The shapes of picture that the page offers."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shape:
    """A proportion and its size in pixels, below one megapixel and divisible by 8."""

    name: str
    width: int
    height: int


SHAPES = (Shape("4:5", 640, 800), Shape("1:1", 768, 768), Shape("3:2", 960, 640))
