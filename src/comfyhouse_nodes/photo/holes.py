"""Holes in a thing through which the ground is seen: rings, handles, frames.

The network fills them. What has the ground's very colours and lies apart from the thing's own is
taken for a hole if the ground has a pattern to be known by. A plain ground has none: a white label
on a white table looks the same as a hole, and cutting it out is the worse mistake, so it is kept.
"""

from __future__ import annotations

import cv2
import numpy as np

from .pictures import Bytes, Floats

_BINS = 12
_ALIKE = 0.62
_PLAIN = 5.0
"""How far pixels beside each other differ (spread, in 1/255) on a ground without a pattern."""

_LEAST_SHARE = 0.012


def find_holes(levels: Bytes, cut: Bytes) -> Floats:
    """Return 1 where a hole is, in a picture [h, w, 3] of bytes and a cut of 0 and 1."""
    holes = np.zeros(cut.shape, np.float32)
    inside, outside = cut == 1, cv2.dilate(cut, np.ones((9, 9), np.uint8)) == 0
    if not inside.any() or not outside.any() or _is_plain(levels, outside):
        return holes
    places = _list_places(levels)
    ground = _count(places[outside])
    doubtful = _find_alike(places, ground, inside)
    own = _count(places[inside & ~doubtful])
    for part in _list_parts(doubtful, _LEAST_SHARE * float(inside.sum())):
        seen = _count(places[part])
        like_ground = _compare(seen, ground)
        if like_ground > _ALIKE and _compare(seen, own) < 0.5 * like_ground:
            holes[part] = 1
    return holes


def _is_plain(levels: Bytes, where: np.ndarray) -> bool:
    grey = cv2.cvtColor(levels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    rough = cv2.blur(grey * grey, (7, 7)) - cv2.blur(grey, (7, 7)) ** 2
    return float(np.median(rough[where])) < _PLAIN**2


def _list_places(levels: Bytes) -> np.ndarray:
    """Return the bin of each pixel's colour."""
    steps = levels.astype(np.int32) * _BINS // 256
    return np.asarray((steps[..., 0] * _BINS + steps[..., 1]) * _BINS + steps[..., 2])


def _count(places: np.ndarray) -> Floats:
    """Return the share of each bin, neighbouring bins mixed a little."""
    counts = np.bincount(places, minlength=_BINS**3).astype(np.float32)
    cube = counts.reshape(_BINS, _BINS, _BINS)
    for axis in range(3):
        padded = np.pad(cube, [(1, 1) if one == axis else (0, 0) for one in range(3)], mode="edge")
        low, high = (np.take(padded, range(at, at + _BINS), axis=axis) for at in (0, 2))
        cube = 0.5 * cube + 0.25 * (low + high)
    return np.asarray(cube.reshape(-1) / max(float(cube.sum()), 1e-6), np.float32)


def _compare(one: Floats, other: Floats) -> float:
    """Return how alike two mixtures of colours are, 0..1 (Bhattacharyya)."""
    return float(np.sqrt(one * other).sum())


def _find_alike(places: np.ndarray, ground: Floats, inside: np.ndarray) -> np.ndarray:
    """Return where inside the cut the colours are the ground's rather than the thing's."""
    ratio = ground / np.maximum(ground + _count(places[inside]), np.float32(1e-9))
    likely = cv2.blur(ratio[places].astype(np.float32), (7, 7))
    alike = ((likely > 0.45) & inside).astype(np.uint8)
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    return np.asarray(cv2.morphologyEx(alike, cv2.MORPH_OPEN, brush) == 1)


def _list_parts(mask: np.ndarray, least: float) -> list[np.ndarray]:
    parts, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    return [
        cv2.dilate((labels == one).astype(np.uint8), np.ones((3, 3), np.uint8)) == 1
        for one in range(1, parts)
        if stats[one, cv2.CC_STAT_AREA] >= least
    ]
