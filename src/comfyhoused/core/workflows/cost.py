"""What a picture costs, in units."""

from fractions import Fraction
from math import ceil

from pydantic import BaseModel, ConfigDict, Field

UNIT_PIXELS = 1024 * 1024
"""One megapixel, the binary one: a 1024 × 1024 picture is one unit."""


class UnitTable(BaseModel):
    """What one unit holds: so many pixels and steps of a painted picture, so many pixels of an
    enlarged one, so many seconds of a server for anything else.

    Enlarging is cheaper than painting: by default 2048 × 2048 pixels of the result are one unit.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pixels: int = Field(UNIT_PIXELS, gt=0)
    steps: int = Field(50, gt=0)
    upscaled_pixels: int = Field(4 * UNIT_PIXELS, gt=0)
    gpu_seconds: float = Field(10, gt=0)


USUAL_UNITS = UnitTable()


def count_units(
    *, width: int, height: int, steps: int, num_images: int = 1, table: UnitTable = USUAL_UNITS
) -> int:
    """Return the units of a job: an image up to 1 megapixel and 50 steps is one.

    Larger ones and longer ones cost pro rata (both: the product); the sum over the job's
    images is rounded up, once.
    """
    pixels = max(Fraction(1), Fraction(width * height, table.pixels))
    effort = max(Fraction(1), Fraction(steps, table.steps))
    return ceil(num_images * pixels * effort)


def count_upscale_units(output_pixels: int, table: UnitTable = USUAL_UNITS) -> int:
    """Return the units of an enlarged picture, by the pixels of the result."""
    return ceil(Fraction(output_pixels, table.upscaled_pixels))
