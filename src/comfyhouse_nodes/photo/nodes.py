"""The three presets as ComfyUI nodes, one each: fewer full-size pictures are held that way."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from . import cinematic, portrait, product
from .pictures import Floats

_INPUTS = dict[str, dict[str, Any]]
_CATEGORY = "Comfyhouse/photo"


class ComfyhousePortraitPro:
    """Evens skin, warms the light, darkens the corners."""

    RETURN_TYPES = ("IMAGE", "STRING")
    RETURN_NAMES = ("image", "report")
    FUNCTION = "improve"
    CATEGORY = _CATEGORY
    DESCRIPTION = "Skin evened without plastic, gentle warmth, a soft vignette."

    @classmethod
    def INPUT_TYPES(cls) -> _INPUTS:
        return {
            "required": {
                "image": ("IMAGE",),
                "strength": _percent(60),
                "warmth": _percent(50),
                "vignette": _percent(50),
            }
        }

    def improve(self, image: Any, strength: int, warmth: int, vignette: int) -> tuple[Any, str]:
        notes: list[str] = []
        counts: list[int] = []

        def work(picture: Floats) -> Floats:
            found = portrait.look(picture)
            notes.extend(found.notes)
            counts.append(len(found.faces))
            return portrait.improve(picture, found, strength, warmth, vignette)

        if strength == 0:
            return image, _report([], {})
        return _work_on_each(image, work), _report(notes, {"faces": sum(counts)})


class ComfyhouseProductGlow:
    """Cuts the product out and gives it new ground."""

    RETURN_TYPES = ("IMAGE", "STRING")
    RETURN_NAMES = ("image", "report")
    FUNCTION = "stand"
    CATEGORY = _CATEGORY
    DESCRIPTION = "The product on pure white, a colour, or nothing; its own colours are kept."

    @classmethod
    def INPUT_TYPES(cls) -> _INPUTS:
        return {
            "required": {
                "image": ("IMAGE",),
                "strength": _percent(100),
                "background": (["white", "colour", "transparent"],),
                "colour": ("STRING", {"default": "#f4f1ec"}),
                "shadow": _percent(50),
            }
        }

    def stand(
        self, image: Any, strength: int, background: str, colour: str, shadow: int
    ) -> tuple[Any, str]:
        grounds = {"white": np.ones(3, np.float32), "transparent": None}
        ground = grounds[background] if background in grounds else read_colour(colour)
        notes: list[str] = []

        def work(picture: Floats) -> Floats:
            subject = product.look(picture)
            notes.extend(subject.notes)
            return product.stand(picture, subject, strength, ground, shadow)

        if strength == 0:
            return image, _report([], {})
        return _work_on_each(image, work), _report(notes, {})


class ComfyhouseCinematic:
    """Gives the photo a film's look."""

    RETURN_TYPES = ("IMAGE", "STRING")
    RETURN_NAMES = ("image", "report")
    FUNCTION = "grade"
    CATEGORY = _CATEGORY
    DESCRIPTION = "A film's curve and colours, grain, a vignette, and black bars if wanted."

    @classmethod
    def INPUT_TYPES(cls) -> _INPUTS:
        return {
            "required": {
                "image": ("IMAGE",),
                "strength": _percent(60),
                "grain": _percent(50),
                "vignette": _percent(50),
                "bars": (list(cinematic.BARS),),
            }
        }

    def grade(
        self, image: Any, strength: int, grain: int, vignette: int, bars: str
    ) -> tuple[Any, str]:
        notes: list[str] = []

        def work(picture: Floats) -> Floats:
            height, width = picture.shape[:2]
            notes.extend(cinematic.choose_bars(width, height, bars)[1])
            return cinematic.grade(picture, strength, grain, vignette, bars)

        if strength == 0:
            return image, _report([], {})
        return _work_on_each(image, work), _report(notes, {})


def read_colour(text: str) -> Floats:
    """Return `#rrggbb` as three values in 0..1; raises ValueError."""
    digits = text[1:] if text.startswith("#") else ""
    if len(digits) != 6:
        raise ValueError(f"{text[:20]!r} is not a colour such as #f4f1ec")
    return np.frombuffer(bytes.fromhex(digits), np.uint8).astype(np.float32) / np.float32(255)


def _percent(default: int) -> tuple[str, dict[str, int]]:
    return ("INT", {"default": default, "min": 0, "max": 100, "step": 1})


def _report(notes: list[str], facts: dict[str, int]) -> str:
    """Return what is said about the run, as JSON; Comfyhouse turns it into words."""
    said = {"comfyhouse_report": 1, "notes": list(dict.fromkeys(notes)), "facts": facts}
    return json.dumps(said)


def _work_on_each(image: Any, work: Callable[[Floats], Floats]) -> Any:
    """Return a batch of worked pictures, of the kind (NumPy or torch) that came in."""
    pictures = np.asarray(image, np.float32)
    worked = [work(np.ascontiguousarray(picture[..., :3])) for picture in pictures]
    # One photo is the rule: stacking it would copy it.
    result = worked[0][np.newaxis] if len(worked) == 1 else np.stack(worked)
    if isinstance(image, np.ndarray):
        return result
    return sys.modules["torch"].from_numpy(result)


NODE_CLASS_MAPPINGS: dict[str, type] = {
    "ComfyhousePortraitPro": ComfyhousePortraitPro,
    "ComfyhouseProductGlow": ComfyhouseProductGlow,
    "ComfyhouseCinematic": ComfyhouseCinematic,
}
NODE_DISPLAY_NAME_MAPPINGS: dict[str, str] = {
    "ComfyhousePortraitPro": "Portrait Pro",
    "ComfyhouseProductGlow": "Product Glow",
    "ComfyhouseCinematic": "Cinematic",
}
