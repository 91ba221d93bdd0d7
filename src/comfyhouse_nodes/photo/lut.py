"""A 3-D look-up table of colours: made by a function of colours, read by tetrahedra."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .pictures import Floats

SIDE = 33
"""Grid points along each of red, green and blue."""


def make_table(look: Callable[[Floats], Floats], side: int = SIDE) -> Floats:
    """Return [side³, 3]: what the look makes of each colour of the grid, red slowest."""
    steps = np.linspace(0, 1, side, dtype=np.float32)
    grid = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    return np.ascontiguousarray(np.clip(look(grid), 0, 1), np.float32)


def apply_table(table: Floats, picture: Floats) -> Floats:
    """Return the picture [..., 3] seen through the table.

    Each cell of the grid is cut into six tetrahedra along its grey diagonal, so that greys lie on
    edges and stay as neutral as the table has them (Kasson, Plouffe and Nin, 1993).
    """
    side = round(len(table) ** (1 / 3))
    place = np.clip(picture, 0, 1) * np.float32(side - 1)
    corner = np.minimum(place.astype(np.int32), side - 2)
    share = place - corner
    strides = np.array([side * side, side, 1], np.int32)
    first = share.argmax(axis=-1)
    last = 2 - share[..., ::-1].argmin(axis=-1)  # of equals the last one, so that all differ
    low = corner @ strides
    one = low + strides[first]
    two = one + strides[3 - first - last]
    high = low + np.int32(strides.sum())
    largest, smallest = share.max(axis=-1), share.min(axis=-1)
    middle = share.sum(axis=-1) - largest - smallest
    result = table[low] * (1 - largest)[..., np.newaxis]
    result += table[one] * (largest - middle)[..., np.newaxis]
    result += table[two] * (middle - smallest)[..., np.newaxis]
    result += table[high] * smallest[..., np.newaxis]
    return np.asarray(result, np.float32)
