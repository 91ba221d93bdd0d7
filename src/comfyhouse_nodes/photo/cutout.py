"""Finds the thing in a photo and how much of each pixel is it.

U²-Net says roughly where it is, once for the photo and once more for the part that holds it;
a guided filter then lays the edge along the photo's own edges.
"""

from __future__ import annotations

import cv2
import numpy as np

from . import nets
from .pictures import Floats, box, enlarge, scale_to_fit, smoothstep

WORKED_SIZE = 1600
"""Pixels of the longer side at which edges are worked out; alpha is enlarged from there."""

_SEEN = 320
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_SPREAD = np.array([0.229, 0.224, 0.225], np.float32)
_ROOM = 0.12


def find_subject(picture: Floats) -> Floats:
    """Return how likely each pixel belongs to the thing shown. Raises WeightsMissing."""
    first = _look(picture)
    part = choose_part(first)
    if part is None:
        return first
    rows, columns = part
    closer = np.zeros_like(first)
    closer[rows, columns] = _look(picture[rows, columns])
    # The closer look sees edges better, the wider one knows what the thing is.
    together = (first + 2 * closer) / 3
    return np.asarray(np.where(first < 0.02, np.minimum(first, together), together), np.float32)


def choose_part(likely: Floats) -> tuple[slice, slice] | None:
    """Return rows and columns around what is likely; None if that is all or nothing of it."""
    rows = np.flatnonzero((likely > 0.5).any(axis=1))
    columns = np.flatnonzero((likely > 0.5).any(axis=0))
    if not len(rows):
        return None
    height, width = likely.shape
    room = round(_ROOM * max(np.ptp(rows), np.ptp(columns))) + 1
    part = (
        slice(max(0, int(rows[0]) - room), min(height, int(rows[-1]) + room + 1)),
        slice(max(0, int(columns[0]) - room), min(width, int(columns[-1]) + room + 1)),
    )
    size = (part[0].stop - part[0].start) * (part[1].stop - part[1].start)
    return part if size < 0.9 * height * width else None


def _look(picture: Floats) -> Floats:
    height, width = picture.shape[:2]
    seen = cv2.resize(picture, (_SEEN, _SEEN), interpolation=cv2.INTER_AREA)
    even = (seen / max(float(seen.max()), 1e-6) - _MEAN) / _SPREAD
    (found,) = nets.run("u2netp.onnx", np.asarray(even, np.float32), ("1959",))
    return enlarge(found.reshape(_SEEN, _SEEN), width, height)


def make_alpha(picture: Floats, likely: Floats) -> Floats:
    """Return 0..1, how much of each pixel is the thing; `picture` at the size of work."""
    longest = max(picture.shape[:2])
    cut = _cut_along_edges(picture, likely)
    band = max(2, round(longest * 0.004))
    refined = guide(picture, cut, band, 1e-4)
    # Inside and outside are sure; only along the edge does the filter have a say.
    sure_in = cv2.erode(cut, _make_disc(2 * band))
    sure_out = cv2.dilate(cut, _make_disc(2 * band))
    alpha = np.clip(refined, sure_in, sure_out)
    return smoothstep(0.12, 0.92, np.asarray(alpha, np.float32))


def _cut_along_edges(picture: Floats, likely: Floats) -> Floats:
    """Return 0 or 1: what GrabCut makes of the likely and the unlikely."""
    small = scale_to_fit(picture, 640)
    height, width = small.shape[:2]
    guess = cv2.resize(likely, (width, height), interpolation=cv2.INTER_AREA)
    state = np.full((height, width), cv2.GC_PR_BGD, np.uint8)
    state[guess > 0.5] = cv2.GC_PR_FGD
    state[guess > 0.93] = cv2.GC_FGD
    state[guess < 0.04] = cv2.GC_BGD
    if (state == cv2.GC_FGD).sum() < 20 or (state == cv2.GC_BGD).sum() < 20:
        return np.asarray(likely > 0.5, np.float32)
    levels = np.asarray(np.rint(np.clip(small, 0, 1) * 255), np.uint8)
    cv2.setRNGSeed(1)  # its clusters begin at random places
    background, thing = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(levels, state, (0, 0, 1, 1), background, thing, 4, cv2.GC_INIT_WITH_MASK)
    cut = np.isin(state, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)
    # What only the colours say is taken for half of it: a shadow must not come along.
    agreed = 0.6 * cut + 0.4 * smoothstep(0.2, 0.8, np.asarray(guess, np.float32))
    full = enlarge(np.asarray(agreed, np.float32), picture.shape[1], picture.shape[0])
    return _drop_crumbs(np.asarray(full > 0.5, np.float32))


def _drop_crumbs(cut: Floats) -> Floats:
    """Return the cut without small islands and small holes."""
    kept = cut
    for side in (1.0, 0.0):
        parts, labels, stats, _ = cv2.connectedComponentsWithStats((kept == side).astype(np.uint8))
        if parts < 2:
            continue
        sizes = stats[1:, cv2.CC_STAT_AREA]
        small = np.flatnonzero(sizes < 0.02 * sizes.max()) + 1
        kept = np.where(np.isin(labels, small), 1 - side, kept).astype(np.float32)
    return kept


def guide(picture: Floats, mask: Floats, radius: int, regular: float) -> Floats:
    """Return the mask laid along the picture's edges: the guided filter of He, Sun and Tang.

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
    slopes = _solve(spread, covariance)
    offset = mean_mask - (slopes * mean).sum(axis=2)
    smooth = (box(slopes, radius) * picture).sum(axis=2) + box(offset, radius)
    return np.asarray(np.clip(smooth, 0, 1), np.float32)


def _solve(spread: dict[tuple[int, int], Floats], right: Floats) -> Floats:
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


def _make_disc(radius: int) -> np.ndarray:
    side = 2 * max(1, radius) + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)
