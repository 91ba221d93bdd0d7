"""Pictures made for tests: any kind, size and damage, from a seed."""

from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo


def make_image(
    width: int = 64, height: int = 48, *, mode: str = "RGB", seed: int = 0
) -> Image.Image:
    """Return noise, which compresses badly and so fills many bytes."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels).convert(mode)


def encode(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """Return the picture as a file of this kind."""
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def make_comfyui_png(
    prompt: str = "a secret prompt", *, width: int = 64, height: int = 48
) -> bytes:
    """Return a PNG as ComfyUI writes it, with prompt and workflow in its text chunks."""
    texts = PngInfo()
    texts.add_text("prompt", prompt)
    texts.add_text("workflow", prompt, zip=True)
    texts.add_itxt("parameters", prompt)
    return encode(make_image(width, height), pnginfo=texts)
