"""What the background was is taken out of the edges, and a shadow is laid under the thing."""

from __future__ import annotations

import cv2
import numpy as np

from .pictures import Floats, blur, shrink

_SHADOW_SIZE = 512


def estimate_colour(picture: Floats, alpha: Floats, radius: float) -> Floats:
    """Return the thing's own colour at every pixel, so that no old background shines at its edge.

    Blur fusion after Forte (2021), twice: far, then near. `radius` in pixels.
    """
    own = picture
    behind = picture
    for reach in (radius, radius / 8):
        own, behind = _fuse(picture, alpha, own, behind, max(1.0, reach))
    return np.asarray(np.clip(own, 0, 1), np.float32)


def _fuse(
    picture: Floats, alpha: Floats, own: Floats, behind: Floats, sigma: float
) -> tuple[Floats, Floats]:
    share = alpha[..., np.newaxis]
    own_around = blur(own * share, sigma) / (blur(alpha, sigma)[..., np.newaxis] + np.float32(1e-5))
    rest = 1 - share
    behind_around = blur(behind * rest, sigma) / (
        blur(1 - alpha, sigma)[..., np.newaxis] + np.float32(1e-5)
    )
    left = picture - share * own_around - rest * behind_around
    return np.asarray(own_around + share * left, np.float32), np.asarray(behind_around, np.float32)


def make_shadow(alpha: Floats, amount: float) -> Floats:
    """Return how much light a surface below the thing loses, small: at most 512 pixels wide.

    A dark line where it stands, and a wide soft one around; `amount` 0..1.
    """
    height, width = alpha.shape
    factor = min(1.0, _SHADOW_SIZE / max(height, width))
    small = shrink(alpha, max(1, round(width * factor)), max(1, round(height * factor)))
    rows, columns = np.nonzero(small > 0.5)
    if not len(rows):
        return np.zeros_like(small)
    top, bottom = int(rows.min()), int(rows.max())
    size = max(bottom - top, int(np.ptp(columns)), 1)
    near = blur(_flatten(small, bottom, 0.03 * size, 0.10 * size), 0.012 * size)
    far = blur(_flatten(small, bottom, 0.07 * size, 0.35 * size), 0.045 * size)
    shade = np.float32(amount) * (np.float32(0.55) * near + np.float32(0.30) * far)
    return np.asarray(np.clip(shade, 0, 0.9), np.float32)


def _flatten(alpha: Floats, bottom: int, thickness: float, reach: float) -> Floats:
    """Return the foot of the thing, pressed onto the surface it stands on.

    The lowest `reach` rows are squeezed to `thickness`, their middle on the lowest row.
    """
    start = max(0, bottom - max(2, round(reach)))
    foot = alpha[start : bottom + 1]
    tall = max(2, round(thickness))
    pressed = cv2.resize(foot, (alpha.shape[1], tall), interpolation=cv2.INTER_AREA)
    laid = np.zeros_like(alpha)
    first = max(0, bottom - tall // 2)
    last = min(alpha.shape[0], first + tall)
    laid[first:last] = pressed[: last - first]
    return laid
