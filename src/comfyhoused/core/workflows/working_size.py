"""The size that a model paints, where a request does not say it."""

from math import sqrt

from comfyhoused.core.workflows.cost import UNIT_PIXELS
from comfyhoused.core.workflows.parameters import RANGES

Size = tuple[int, int]
"""Width and height in pixels."""

_STEP = 8


def choose_size(width: int | None, height: int | None, shape: Size | None, default: Size) -> Size:
    """Return what is asked for; what is left out follows the shape of the picture, if any.

    With nothing asked it is the picture's own size, or one megapixel of its shape where it is
    larger. Sides are multiples of 8. Without a picture it is `default`.
    """
    if shape is None:
        return default[0] if width is None else width, default[1] if height is None else height
    if width is not None and height is not None:
        return width, height
    if width is not None:
        return width, _fit_side(width * shape[1] / shape[0])
    if height is not None:
        return _fit_side(height * shape[0] / shape[1]), height
    longest = RANGES["width"].maximum / max(shape)
    shrink = min(1.0, longest, sqrt(UNIT_PIXELS / (shape[0] * shape[1])))
    sides = [_fit_side(side * shrink) for side in shape]
    # Rounding up both sides must not cost a second unit.
    while sides[0] * sides[1] > UNIT_PIXELS:
        sides[sides.index(max(sides))] -= _STEP
    return sides[0], sides[1]


def _fit_side(side: float) -> int:
    allowed = RANGES["width"]
    nearest = max(1, round(side / _STEP)) * _STEP
    return int(min(max(nearest, allowed.minimum), allowed.maximum))
