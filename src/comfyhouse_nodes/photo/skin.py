"""Where a face's skin is: inside its outline and down the neck, of the face's own colour, and
neither eyes, brows, lips, hair nor glasses.

The colour is learnt from each face anew and compared relative to its own lightness, so that no
skin tone is a special case.
"""

from __future__ import annotations

import cv2
import numpy as np

from .people import find_people
from .pictures import Bytes, Floats, blur, get_luma, smoothstep

# Indices of MediaPipe's 468 landmarks, each a closed line.
OUTLINE = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
JAW = OUTLINE[8:29]
LIPS = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
EYES = (
    (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466),
    (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246),
)
BROWS = (
    (276, 283, 282, 295, 285, 336, 296, 334, 293, 300),
    (46, 53, 52, 65, 55, 107, 66, 105, 63, 70),
)
_SPREAD_FLOOR = 0.012
"""Chromaticities nearer than this are one colour, however even the face is."""
_ROUGH_FLOOR = 0.008
"""Skin as smooth as this has hardly a pore to be compared with."""
_FOREHEAD = 0.16
"""The landmarks end below the hair; the forehead goes on by this share of the face's height."""


def make_skin_mask(picture: Floats, points: Floats, width: float) -> Floats:
    """Return how much each pixel is skin of the face with these landmarks; `width` is its width.

    All in pixels of `picture`, which is a part of a photo around one face. Raises WeightsMissing.
    """
    features = _draw_features(picture, points, width)
    face = _fill(picture, points[list(OUTLINE)])
    sample = (_erode(face, 0.06 * width) > 0) & (features < 0.05)
    if np.count_nonzero(sample) < 50:
        return np.zeros(picture.shape[:2], np.float32)
    colour = _measure_likeness(picture, sample) * _measure_smoothness(picture, sample, width)
    region = blur(_draw_region(picture, points), 0.03 * width) * find_people(picture)
    mask = region * (1 - features) * blur(colour, 0.012 * width)
    return np.asarray(smoothstep(0.25, 0.85, mask), np.float32)


def _measure_likeness(picture: Floats, sample: np.ndarray) -> Floats:
    """Return how much each pixel has the colour that the sample mostly has."""
    luma = get_luma(picture)
    # Learnt from the half of the sample that is nearest to its middle: beards and hair fall out.
    usual = float(np.median(luma[sample]))
    chroma = picture / np.maximum(picture.sum(axis=2, keepdims=True), np.float32(0.03))
    inside = chroma[sample]
    middle = np.median(inside, axis=0)
    spread = np.maximum(1.4826 * np.median(np.abs(inside - middle), axis=0), _SPREAD_FLOOR)
    distance = np.sqrt((((chroma - middle) / spread) ** 2).sum(axis=2))
    relative = luma / max(usual, 0.02)
    lit = smoothstep(0.42, 0.68, relative) * (1 - smoothstep(1.9, 2.6, relative))
    # White cloth, grey beards and teeth lie near pale skin in colour, yet have hardly any of it.
    strength = np.ptp(picture, axis=2) / np.maximum(picture.max(axis=2), np.float32(0.03))
    usual_strength = max(float(np.median(strength[sample])), 0.02)
    coloured = smoothstep(0.30, 0.55, np.asarray(strength / usual_strength, np.float32))
    return np.asarray((1 - smoothstep(3.0, 6.0, distance)) * lit * coloured, np.float32)


def _measure_smoothness(picture: Floats, sample: np.ndarray, width: float) -> Floats:
    """Return 0 where the picture is much rougher than the sample: fair hair, beards, knitting."""
    luma = get_luma(picture)
    fine = luma - blur(luma, 0.012 * width)
    rough = np.sqrt(blur(fine * fine, 0.015 * width))
    usual = max(float(np.median(rough[sample])), _ROUGH_FLOOR)
    return 1 - smoothstep(2.2, 4.0, np.asarray(rough / usual, np.float32))


def _draw_region(picture: Floats, points: Floats) -> Floats:
    """Return 1 inside the face, its ears, its forehead and the neck below."""
    outline, jaw = points[list(OUTLINE)], points[list(JAW)]
    middle = (outline.min(axis=0) + outline.max(axis=0)) / 2
    # Down is from the forehead to the chin, so that a tilted head has its neck where it is.
    down = points[152] - points[10]
    wider = middle + (outline - middle) * np.array([1.1, 1.0], np.float32)
    # A forehead goes on above the landmarks; where hair begins, colour and roughness say.
    top = outline[((outline - middle) @ down) < -0.3 * np.abs((points[10] - middle) @ down)]
    wider = np.concatenate([wider, top - down * np.float32(_FOREHEAD)])
    narrow = middle + (jaw - middle) * np.float32(0.9)
    neck = np.concatenate([narrow, narrow[::-1] + down * np.float32(0.55)])
    return np.maximum(_fill(picture, wider), _fill(picture, neck))


def _draw_features(picture: Floats, points: Floats, width: float) -> Floats:
    """Return 1 over eyes, brows, lips and nostrils, with a soft rim."""
    drawn = np.zeros(picture.shape[:2], np.float32)
    for line, room in [*((eye, 0.045) for eye in EYES), *((brow, 0.02) for brow in BROWS)]:
        drawn = np.maximum(drawn, _dilate(_fill(picture, points[list(line)]), room * width))
    drawn = np.maximum(drawn, _dilate(_fill(picture, points[list(LIPS)]), 0.025 * width))
    nostrils = points[[48, 64, 294, 278, 326, 2, 97]]
    drawn = np.maximum(drawn, _fill(picture, nostrils))
    return np.asarray(np.clip(blur(drawn, 0.02 * width) * 1.6, 0, 1), np.float32)


def _fill(picture: Floats, line: Floats) -> Floats:
    canvas: Bytes = np.zeros(picture.shape[:2], np.uint8)
    corners = np.rint(line).astype(np.int32)
    cv2.fillPoly(canvas, [cv2.convexHull(corners)], (255,))
    return np.asarray(canvas, np.float32) / np.float32(255)


def _dilate(mask: Floats, radius: float) -> Floats:
    return np.asarray(cv2.dilate(mask, _make_disc(radius)), np.float32)


def _erode(mask: Floats, radius: float) -> Floats:
    return np.asarray(cv2.erode(mask, _make_disc(radius)), np.float32)


def _make_disc(radius: float) -> Bytes:
    side = 2 * max(1, round(radius)) + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)
