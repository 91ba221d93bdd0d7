"""Where exactly a thing ends: how much of each pixel along its edge is it.

GrabCut draws the line; along it the colours around say how much of each pixel is the thing, as
far as thing and ground differ there. Where they do not, the line itself is taken, smoothed.
"""

from __future__ import annotations

import cv2
import numpy as np

from .guided import guide, solve_symmetric
from .holes import find_holes
from .pictures import Bytes, Floats, as_levels, blur, enlarge, scale_to_fit, shrink, smoothstep

_CUT_SIZE = 640
_COLOUR_SIZE = 400
_FLAT = 1e-4
"""The variance (of 0..1) under which the guided filter takes a place for flat."""


def make_alpha(picture: Floats, likely: Floats) -> Floats:
    """Return 0..1, how much of each pixel is the thing; `picture` at the size of work."""
    cut = _cut_along_edges(picture, likely)
    band = max(2, round(max(picture.shape[:2]) * 0.004))
    part = _find_part(cut, 8 * band)
    alpha = np.zeros_like(cut)
    alpha[part] = settle(picture[part], cut[part], band)
    return alpha


def settle(picture: Floats, cut: Floats, band: int) -> Floats:
    """Return alpha from a hard cut; `band` is how far off in pixels its line may be, halved."""
    sure_in = cv2.erode(cut, make_disc(2 * band))
    sure_out = 1 - cv2.dilate(cut, make_disc(2 * band))
    share, trust = _compare_colours(picture, cut, sure_in, sure_out, 4.0 * band)
    trust = trust * (1 - _measure_mistakes(share, sure_out, 4.0 * band))
    line = smoothstep(0.2, 0.8, blur(cut, 0.8 * band))
    mixed = line + trust * (share - line)
    refined = guide(picture, np.asarray(mixed, np.float32), max(1, band // 2), _FLAT)
    # Inside and outside are sure; only along the edge does the filter have a say.
    return smoothstep(0.10, 0.92, np.asarray(np.clip(refined, sure_in, 1 - sure_out), np.float32))


def _measure_mistakes(share: Floats, sure_out: np.ndarray, reach: float) -> Floats:
    """Return 0..1, how often colour takes sure ground for the thing; 1 is too often to use it.

    Dark gaps between stones look like a dark horse: there colour makes flecks outside the edge.
    """
    factor = min(1.0, _COLOUR_SIZE / max(share.shape))
    size = max(1, round(share.shape[1] * factor)), max(1, round(share.shape[0] * factor))
    known = shrink(np.asarray(sure_out, np.float32), *size)
    missed = shrink(np.asarray(sure_out * (share > 0.3), np.float32), *size)
    around = np.maximum(blur(known, reach * factor), np.float32(1e-3))
    rate = np.asarray(blur(missed, reach * factor) / around, np.float32)
    return enlarge(smoothstep(0.01, 0.08, rate), share.shape[1], share.shape[0])


def _compare_colours(
    picture: Floats, cut: Floats, sure_in: np.ndarray, sure_out: np.ndarray, reach: float
) -> tuple[Floats, Floats]:
    """Return where each colour lies between ground (0) and thing (1), and how clear that is.

    It is read along the direction that tells the two apart best (Fisher's), for grass differs in
    light from blade to blade and still is green everywhere.
    """
    height, width = cut.shape
    factor = min(1.0, _COLOUR_SIZE / max(height, width))
    size = max(1, round(width * factor)), max(1, round(height * factor))
    small = shrink(picture, *size)
    inner, outer = (
        shrink(np.asarray(one, np.float32), *size)
        for one in (sure_in + np.float32(0.02) * cut, sure_out + np.float32(0.02) * (1 - cut))
    )
    thing, spread = _measure_around(small, inner, reach * factor)
    ground, other_spread = _measure_around(small, outer, reach * factor)
    both = {pair: spread[pair] + other_spread[pair] for pair in spread}
    for one in range(3):
        both[one, one] = both[one, one] + np.float32(0.0015)
    apart = thing - ground
    slope = solve_symmetric(both, apart)
    length = np.maximum((slope * apart).sum(axis=2), np.float32(1e-4))
    slope = slope / length[..., np.newaxis]
    offset = -(slope * ground).sum(axis=2)
    trust = smoothstep(3.0, 9.0, length)
    full = enlarge(np.asarray(slope, np.float32), width, height)
    share = (full * picture).sum(axis=2) + enlarge(offset, width, height)
    return np.asarray(np.clip(share, 0, 1), np.float32), enlarge(trust, width, height)


def _measure_around(
    small: Floats, weight: Floats, reach: float
) -> tuple[Floats, dict[tuple[int, int], Floats]]:
    """Return mean colour and covariances around each pixel of what has weight."""
    total = np.maximum(blur(weight, reach), np.float32(1e-6))[..., np.newaxis]
    mean = blur(small * weight[..., np.newaxis], reach) / total
    pairs = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
    first = [small[..., i] * small[..., j] * weight for i, j in pairs]
    # OpenCV filters four layers at most at once.
    sums = [blur(np.stack(first[at : at + 3], axis=2), reach) / total for at in (0, 3)]
    around = np.concatenate(sums, axis=2)
    spread = {
        (i, j): np.asarray(around[..., at] - mean[..., i] * mean[..., j], np.float32)
        for at, (i, j) in enumerate(pairs)
    }
    return np.asarray(mean, np.float32), spread


def _cut_along_edges(picture: Floats, likely: Floats) -> Floats:
    """Return 0 or 1: what GrabCut makes of the likely and the unlikely."""
    levels = as_levels(scale_to_fit(picture, _CUT_SIZE))
    height, width = levels.shape[:2]
    guess = shrink(likely, width, height)
    state = np.full((height, width), cv2.GC_PR_BGD, np.uint8)
    state[guess > 0.5] = cv2.GC_PR_FGD
    state[guess > 0.93] = cv2.GC_FGD
    state[guess < 0.04] = cv2.GC_BGD
    if (state == cv2.GC_FGD).sum() < 20 or (state == cv2.GC_BGD).sum() < 20:
        return np.asarray(likely > 0.5, np.float32)
    cv2.setRNGSeed(1)  # its clusters begin at random places
    background, thing = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(levels, state, (0, 0, 1, 1), background, thing, 4, cv2.GC_INIT_WITH_MASK)
    cut = np.isin(state, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)
    # What only the colours say is taken for half of it: a shadow must not come along.
    agreed = np.asarray(0.6 * cut + 0.4 * smoothstep(0.2, 0.8, guess), np.float32)
    agreed *= 1 - find_holes(levels, np.asarray(agreed > 0.5, np.uint8))
    full = enlarge(agreed, picture.shape[1], picture.shape[0])
    return _drop_crumbs(np.asarray(full > 0.5, np.float32))


def _drop_crumbs(cut: Floats) -> Floats:
    """Return the cut without small islands and small holes."""
    kept = cut
    for side in (1.0, 0.0):
        parts, labels, stats, _ = cv2.connectedComponentsWithStats((kept == side).astype(np.uint8))
        if parts < 2:
            continue
        sizes = stats[1:, cv2.CC_STAT_AREA]
        least = 0.02 * sizes.max() if side else 0.0004 * cut.size
        small = np.flatnonzero(sizes < least) + 1
        kept = np.where(np.isin(labels, small), 1 - side, kept).astype(np.float32)
    return kept


def _find_part(cut: Floats, room: int) -> tuple[slice, slice]:
    """Return rows and columns around the cut; all of them if nothing is cut."""
    rows, columns = np.flatnonzero(cut.any(axis=1)), np.flatnonzero(cut.any(axis=0))
    if not len(rows):
        return slice(0, cut.shape[0]), slice(0, cut.shape[1])
    return (
        slice(max(0, int(rows[0]) - room), int(rows[-1]) + room + 1),
        slice(max(0, int(columns[0]) - room), int(columns[-1]) + room + 1),
    )


def make_disc(radius: int) -> Bytes:
    """Return a round brush for OpenCV's erode and dilate."""
    side = 2 * max(1, radius) + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)
