"""What a generated picture costs, in units."""

from fractions import Fraction
from math import ceil

UNIT_PIXELS = 1024 * 1024
"""One megapixel, the binary one: a 1024 × 1024 picture is one unit."""

UNIT_STEPS = 50


def count_units(*, width: int, height: int, steps: int, num_images: int = 1) -> int:
    """Return the units of a job: an image up to 1 megapixel and 50 steps is one.

    Larger ones and longer ones cost pro rata (both: the product); the sum over the job's
    images is rounded up, once.
    """
    pixels = max(Fraction(1), Fraction(width * height, UNIT_PIXELS))
    effort = max(Fraction(1), Fraction(steps, UNIT_STEPS))
    return ceil(num_images * pixels * effort)


UPSCALED_PIXELS_PER_UNIT = 4 * UNIT_PIXELS
"""Enlarging is cheaper than painting: 2048 × 2048 pixels of the result are one unit."""


def count_upscale_units(output_pixels: int) -> int:
    """Return the units of an enlarged picture, by the pixels of the result."""
    return ceil(Fraction(output_pixels, UPSCALED_PIXELS_PER_UNIT))
