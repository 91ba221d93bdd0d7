"""Portrait Pro: skin evened without plastic, gentle warmth, a soft vignette.

Without a face only light and colour change, and the report says so.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from . import evening, faces, light, nets
from .pictures import Floats, dither_to_bytes, list_strips

_VIGNETTE = 0.30


@dataclass(frozen=True)
class Finding:
    """What was seen in a photo before it was worked on. `notes` go into the report."""

    faces: list[faces.Face] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def look(picture: Floats) -> Finding:
    """Find the faces that are large enough to be worked on."""
    try:
        found = faces.find_faces(picture)
    except nets.WeightsMissing:
        return Finding(notes=["no_face_finder"])
    large = [face for face in found if face.width >= evening.SMALLEST_WIDTH]
    if not found:
        return Finding(notes=["no_face"])
    return Finding(large, [] if large else ["small_faces"])


def improve(picture: Floats, found: Finding, strength: int, warmth: int, vignette: int) -> Floats:
    """Return the photo improved; strength, warmth and vignette 0–100, 50 being usual for two."""
    if strength == 0:
        return picture.copy()
    share = strength / 100
    patches = [evening.make_patch(picture, face, share) for face in found.faces]
    height, width = picture.shape[:2]
    centre = _choose_centre(found.faces, width, height)
    result = np.empty_like(picture)
    for rows in list_strips(height):
        strip = picture[rows].copy()
        for patch in patches:
            patch.add_to(strip, rows)
        strip = light.warm(light.lift(strip, share), share * warmth / 50)
        gain = light.make_vignette(width, height, rows, centre, _VIGNETTE * share * vignette / 50)
        result[rows] = dither_to_bytes(strip * gain[..., np.newaxis], rows)
    return result


def _choose_centre(found: list[faces.Face], width: int, height: int) -> tuple[float, float]:
    """Return where the light stays: towards the largest face, but near the middle."""
    if not found:
        return 0.5, 0.5
    x, y = found[0].centre
    return min(max(x / width, 0.35), 0.65), min(max(y / height, 0.35), 0.65)
