"""The guided filter of He, Sun and Tang: lays a mask along the edges of its picture."""

from __future__ import annotations

import numpy as np

from .pictures import Floats, box


def guide(picture: Floats, mask: Floats, radius: int, regular: float) -> Floats:
    """Return the mask laid along the picture's edges.

    In colour; `radius` in pixels, `regular` is what counts as flat (variance of 0..1).
    """
    mean = box(picture, radius)
    mean_mask = box(mask, radius)
    covariance = box(picture * mask[..., np.newaxis], radius) - mean * mean_mask[..., np.newaxis]
    pairs = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
    spread = {
        (i, j): box(picture[..., i] * picture[..., j], radius) - mean[..., i] * mean[..., j]
        for i, j in pairs
    }
    for i in range(3):
        spread[i, i] = spread[i, i] + np.float32(regular)
    slopes = solve_symmetric(spread, covariance)
    offset = mean_mask - (slopes * mean).sum(axis=2)
    smooth = (box(slopes, radius) * picture).sum(axis=2) + box(offset, radius)
    return np.asarray(np.clip(smooth, 0, 1), np.float32)


def solve_symmetric(spread: dict[tuple[int, int], Floats], right: Floats) -> Floats:
    """Return x of `spread @ x = right` at every pixel, the 3 x 3 matrix being symmetric."""
    a, b, c = spread[0, 0], spread[0, 1], spread[0, 2]
    d, e, f = spread[1, 1], spread[1, 2], spread[2, 2]
    first, second, third = d * f - e * e, c * e - b * f, b * e - c * d
    determinant = a * first + b * second + c * third
    x, y, z = right[..., 0], right[..., 1], right[..., 2]
    solved = np.stack(
        [
            first * x + second * y + third * z,
            second * x + (a * f - c * c) * y + (b * c - a * e) * z,
            third * x + (b * c - a * e) * y + (a * d - b * b) * z,
        ],
        axis=2,
    )
    return np.asarray(solved / np.maximum(determinant, 1e-14)[..., np.newaxis], np.float32)
