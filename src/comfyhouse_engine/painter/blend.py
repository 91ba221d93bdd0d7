"""Where a painting meets an existing picture: strength, mask and control pictures."""

import cv2
import numpy as np

from comfyhouse_engine.painter.canvas import Array, smooth, vec


def resize(picture: Array, width: int, height: int) -> Array:
    """Return `picture` [H, W] or [H, W, C] at another size."""
    if picture.shape[:2] == (height, width):
        return picture
    shrinks = width < picture.shape[1] or height < picture.shape[0]
    flag = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (width, height), interpolation=flag), dtype=np.float32)


def paint_over(base: Array, painting: Array, strength: float, mask: Array | None) -> Array:
    """Let `painting` replace `base` by `strength` 0..1, inside `mask` [H, W] only.

    Every pixel moves from old to new as strength grows, never back; places with fine detail
    resist longest, so that the old picture's drawing stays. Where the mask is 0 the result is
    `base`, bit by bit.
    """
    grey = cv2.GaussianBlur(base.mean(axis=2), (0, 0), 1.0 + min(base.shape[:2]) / 256)
    detail = np.abs(cv2.Laplacian(grey, cv2.CV_32F, ksize=3))
    resistance = smooth(cv2.GaussianBlur(detail, (0, 0), 2.0), 0.0, 0.06)
    weight = np.float32(strength) ** (1.0 + 1.5 * resistance)
    if mask is not None:
        weight = weight * np.clip(mask, 0.0, 1.0)
    changed = base + (painting - base) * weight[..., None]
    # The sum's rounding must not touch what is wholly old or wholly new.
    changed = np.where(weight[..., None] >= 1.0, painting, changed)
    return vec(np.where(weight[..., None] > 0.0, changed, base))


def show_through(painting: Array, control: Array, kind: str, strength: float) -> Array:
    """Let a control picture [H, W, C] show in `painting` by `strength` (0 = not at all).

    A depth map models light and shadow; of every other kind the lines are drawn in ink.
    """
    if strength <= 0.0:
        return painting
    height, width = painting.shape[:2]
    grey = resize(np.ascontiguousarray(control[..., :3].mean(axis=2)), width, height)
    if "depth" in kind.lower():
        light = 1.0 + (cv2.GaussianBlur(grey, (0, 0), 1.5) - 0.5) * min(1.6, strength * 1.3)
        painting = np.clip(painting * light[..., None], 0.0, 1.0)
        strength *= 0.35
    lines = find_lines(grey)
    force = np.clip(lines * min(1.0, strength), 0.0, 1.0)[..., None]
    # Ink on light ground, chalk on dark ground: a line must be seen on either.
    around = cv2.GaussianBlur(painting.mean(axis=2), (0, 0), 4.0)[..., None]
    ink = np.where(around > 0.35, painting * 0.12, 0.75 + painting * 0.25)
    return np.asarray(painting + (ink - painting) * force, dtype=np.float32)


def find_lines(grey: Array) -> Array:
    """Return the lines of a picture [H, W] as 0..1, soft-edged.

    A map of bright lines on black (as Canny, scribble and pose give) is taken as it is.
    """
    if float(grey.mean()) < 0.2 and float(np.median(grey)) < 0.05:
        return vec(cv2.GaussianBlur(grey, (0, 0), 0.6))
    calm = cv2.GaussianBlur(grey, (0, 0), 1.0 + min(grey.shape) / 700)
    across = cv2.Sobel(calm, cv2.CV_32F, 1, 0)
    down = cv2.Sobel(calm, cv2.CV_32F, 0, 1)
    force = np.sqrt(across**2 + down**2)
    return smooth(force, 0.06, 0.3)
