"""Product Glow: the product cut out, on pure white (or a colour, or nothing), with a soft shadow.

Its own colours are not touched: inside the edge every pixel stays what it was.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from . import cutout, edges
from .pictures import (
    Floats,
    dither_to_bytes,
    enlarge_rows,
    list_strips,
    round_to_bytes,
    scale_to_fit,
)
from .standing import estimate_colour, make_shadow

_LEAST_SHARE, _MOST_SHARE = 0.005, 0.93
_LEAST_SURE, _SURE = 0.86, 0.92
"""Below the first the network cannot tell what the product is, below the second hardly."""

_MANY_PIECES = 4


@dataclass(frozen=True)
class Subject:
    """What was cut out: alpha and own colours at the size of work; None if nothing was found."""

    alpha: Floats | None
    colour: Floats | None = None
    notes: list[str] = field(default_factory=list)


def look(picture: Floats) -> Subject:
    """Find the product and cut it out. Raises WeightsMissing."""
    small = scale_to_fit(picture, cutout.WORKED_SIZE)
    likely = cutout.find_subject(small)
    sureness, pieces = cutout.measure_sureness(likely)
    # A cut that is not to be trusted is worse than none.
    if sureness < _LEAST_SURE or not _LEAST_SHARE < float((likely > 0.5).mean()) < _MOST_SHARE:
        return Subject(None, notes=["no_subject"])
    alpha = edges.make_alpha(small, likely)
    if float(alpha.mean()) < _LEAST_SHARE:
        return Subject(None, notes=["no_subject"])
    colour = estimate_colour(small, alpha, max(small.shape[:2]) * 0.03)
    notes = ["unsure_subject"] if sureness < _SURE or pieces >= _MANY_PIECES else []
    return Subject(alpha, colour, [*notes, *_list_notes(alpha)])


def _list_notes(alpha: Floats) -> list[str]:
    notes = []
    edge = np.concatenate([alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]])
    if float((edge > 0.5).mean()) > 0.02:
        notes.append("subject_touches_edge")
    if float(((alpha > 0.2) & (alpha < 0.8)).sum()) > 0.15 * float((alpha > 0.5).sum()):
        notes.append("unsure_edges")
    return notes


def stand(
    picture: Floats, subject: Subject, strength: int, background: Floats | None, shadow: int
) -> Floats:
    """Return the product on its new ground: [height, width, 3], or 4 where that is transparent.

    `background` is a colour [3] in 0..1, None for transparent; strength and shadow 0–100. Strength
    is how far the old background has gone.
    """
    if strength == 0 or subject.alpha is None or subject.colour is None:
        return picture.copy()
    height, width = picture.shape[:2]
    share = np.float32(strength / 100)
    dark = make_shadow(subject.alpha, shadow / 100)
    result = np.empty((height, width, 3 if background is not None else 4), np.float32)
    for rows in list_strips(height):
        strip = picture[rows]
        alpha = enlarge_rows(subject.alpha, rows, width, height)
        own = _mix(enlarge_rows(subject.colour, rows, width, height), strip, alpha)
        loss = enlarge_rows(dark, rows, width, height)
        if background is None:
            result[rows] = _leave_transparent(own, strip, alpha, loss, share)
        else:
            ground = background * (1 - loss[..., np.newaxis])
            put = own * alpha[..., np.newaxis] + ground * (1 - alpha[..., np.newaxis])
            mixed = np.asarray(strip + (put - strip) * share, np.float32)
            # Only the shadow is soft enough to show steps; pure white is to be pure.
            soft = (loss > 0) & (alpha < 1)
            result[rows] = np.where(
                soft[..., np.newaxis], dither_to_bytes(mixed, rows), round_to_bytes(mixed)
            )
    return result


def _mix(estimated: Floats, strip: Floats, alpha: Floats) -> Floats:
    """Return the photo itself where all of a pixel is the product, else the estimated colour."""
    sure = np.clip((alpha - np.float32(0.9)) / np.float32(0.1), 0, 1)[..., np.newaxis]
    return np.asarray(estimated + (strip - estimated) * sure, np.float32)


def _leave_transparent(
    own: Floats, strip: Floats, alpha: Floats, loss: Floats, share: np.float32
) -> Floats:
    """Return colour and alpha; the shadow is black that lets most through."""
    shade = loss * (1 - alpha)
    opaque = alpha + shade
    colour = own * (alpha / np.maximum(opaque, 1e-4))[..., np.newaxis]
    both = np.concatenate([colour, opaque[..., np.newaxis]], axis=2)
    before = np.concatenate([strip, np.ones_like(opaque)[..., np.newaxis]], axis=2)
    return round_to_bytes(np.asarray(before + (both - before) * share, np.float32))
