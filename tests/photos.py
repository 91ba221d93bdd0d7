"""Real photos for tests of the photo nodes: scikit-image's, and composites with known masks."""

from typing import Any

import cv2
import numpy as np
import skimage.data

from comfyhouse_nodes.photo.pictures import Floats, round_to_bytes


def load_photo(name: str) -> Floats:
    """Return one of scikit-image's photos [height, width, 3] in 0..1."""
    levels: Any = getattr(skimage.data, name)()
    return np.asarray(levels, np.float32)[..., :3] / np.float32(255)


def make_product(width: int = 480, height: int = 400) -> tuple[Floats, Floats]:
    """Return a bottle-like thing on a grey studio ground, and how much each pixel is it."""
    tall, wide = height * 4, width * 4
    drawn = np.zeros((tall, wide), np.uint8)
    x, base = wide // 2, int(tall * 0.86)
    cv2.rectangle(drawn, (x - wide // 8, int(tall * 0.38)), (x + wide // 8, base), (255,), -1)
    middle = (x, int(tall * 0.38))
    cv2.ellipse(drawn, middle, (wide // 8, tall // 10), 0, 180, 360, (255,), -1)
    cv2.rectangle(
        drawn, (x - wide // 26, int(tall * 0.12)), (x + wide // 26, middle[1]), (255,), -1
    )
    mask = np.asarray(cv2.resize(drawn, (width, height), interpolation=cv2.INTER_AREA), np.float32)
    mask /= np.float32(255)
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    shade = 0.75 + 0.35 * np.cos((columns - width / 2) / (width / 8))
    thing = np.array([0.10, 0.42, 0.40], np.float32) * shade[..., np.newaxis]
    label = (abs(rows - height * 0.62) < height * 0.09) & (abs(columns - width / 2) < width * 0.1)
    thing[label] = (0.85, 0.78, 0.6)
    ground = (
        np.array([0.70, 0.66, 0.62], np.float32) * (0.85 + 0.2 * rows / height)[..., np.newaxis]
    )
    share = mask[..., np.newaxis]
    noise = np.random.default_rng(3).normal(0, 0.008, (height, width, 3))
    return round_to_bytes(
        np.asarray(thing * share + ground * (1 - share) + noise, np.float32)
    ), mask
