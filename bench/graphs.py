"""The workflows that are measured. Each call gives another one, so that nothing is cached."""

import itertools
from typing import Any

import numpy as np

from tests.pictures import encode, make_image

Graph = dict[str, dict[str, Any]]

_numbers = itertools.count(1)


def make_no_op() -> Graph:
    """Return the smallest workflow: an empty 64 × 64 picture of a new colour, saved."""
    return {
        "1": {
            "class_type": "EmptyImage",
            "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": next(_numbers)},
        },
        "2": {
            "class_type": "SaveImage",
            "inputs": {"images": ["1", 0], "filename_prefix": "bench"},
        },
    }


def make_edit(image: object) -> Graph:
    """Return an edit of an uploaded picture: scale, blur a little, sharpen, save."""
    return {
        "1": {"class_type": "LoadImage", "inputs": {"image": image}},
        "2": {
            "class_type": "ImageScale",
            "inputs": {
                "image": ["1", 0],
                "upscale_method": "bicubic",
                "width": 1024,
                "height": 1024,
                "crop": "center",
            },
        },
        "3": {
            "class_type": "ImageBlur",
            "inputs": {"image": ["2", 0], "blur_radius": 2, "sigma": 1.0},
        },
        "4": {
            "class_type": "ImageSharpen",
            "inputs": {"image": ["3", 0], "sharpen_radius": 1, "sigma": 1.0, "alpha": 0.5},
        },
        "5": {
            "class_type": "SaveImage",
            "inputs": {"images": ["4", 0], "filename_prefix": "bench"},
        },
    }


def make_copy(image: object) -> Graph:
    """Return a workflow that only loads and saves a picture."""
    return {
        "1": {"class_type": "LoadImage", "inputs": {"image": image}},
        "2": {
            "class_type": "SaveImage",
            "inputs": {"images": ["1", 0], "filename_prefix": "bench"},
        },
    }


def make_photo() -> bytes:
    """Return a new 1024 × 1024 PNG that compresses about as well as a photo (1.5 MB)."""
    rng = np.random.default_rng(next(_numbers))
    rows, columns = np.mgrid[0:1024, 0:1024] / 1024
    waves = np.stack([np.sin(rows * a + columns * b) for a, b in rng.uniform(2, 9, (3, 2))], -1)
    pixels = 127 + 90 * waves + rng.normal(0, 2, waves.shape)
    image = make_image(8, 8).resize((1024, 1024))
    image.frombytes(np.clip(pixels, 0, 255).astype(np.uint8).tobytes())
    return encode(image, compress_level=3)


def make_noise_of_20_mb() -> bytes:
    """Return a PNG of noise, which no compression makes smaller than 20 MB."""
    return encode(make_image(2640, 2640, seed=next(_numbers)), compress_level=1)
