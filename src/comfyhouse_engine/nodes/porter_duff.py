"""The node that composites two pictures with alpha by a Porter-Duff mode.

Definitions as in Android's PorterDuff.Mode, on colours multiplied by their alpha:
https://developer.android.com/reference/android/graphics/PorterDuff.Mode
"""

from collections.abc import Callable
from typing import ClassVar

import numpy as np

from comfyhouse_engine.nodes.inputs import schema_choice
from comfyhouse_engine.nodes.resample import scale_image
from comfyhouse_engine.nodes.tensors import Floats, Inputs, as_mask_batch

Layer = tuple[Floats, Floats]
"""(colours times alpha, alpha), [batch, height, width, 3] and [batch, height, width, 1]."""

_SMALLEST_ALPHA = 1e-5


def _both(source_alpha: Floats, below_alpha: Floats) -> Floats:
    return source_alpha + below_alpha - source_alpha * below_alpha


def _add(s: Layer, d: Layer) -> Layer:
    return np.clip(s[0] + d[0], 0, 1), np.clip(s[1] + d[1], 0, 1)


def _pick(choose: Callable[[Floats, Floats], Floats]) -> Callable[[Layer, Layer], Layer]:
    def composite(s: Layer, d: Layer) -> Layer:
        colour = (1 - d[1]) * s[0] + (1 - s[1]) * d[0] + choose(s[0], d[0])
        return colour, _both(s[1], d[1])

    return composite


def _overlay(s: Layer, d: Layer) -> Layer:
    bright = s[1] * d[1] - 2 * (d[1] - d[0]) * (s[1] - s[0])
    return np.where(2 * d[0] < d[1], 2 * s[0] * d[0], bright), _both(s[1], d[1])


def _screen(s: Layer, d: Layer) -> Layer:
    return s[0] + d[0] - s[0] * d[0], _both(s[1], d[1])


def _weigh(
    of_source: Callable[[Floats, Floats], Floats | float],
    of_below: Callable[[Floats, Floats], Floats | float],
) -> Callable[[Layer, Layer], Layer]:
    """Make one of the twelve classic modes from the two layers' factors (source, below alpha)."""

    def composite(s: Layer, d: Layer) -> Layer:
        source_share, below_share = of_source(s[1], d[1]), of_below(s[1], d[1])
        colour = source_share * s[0] + below_share * d[0]
        return colour, source_share * s[1] + below_share * d[1]

    return composite


_MODES: dict[str, Callable[[Layer, Layer], Layer]] = {
    "ADD": _add,
    "CLEAR": _weigh(lambda s, d: 0.0, lambda s, d: 0.0),
    "DARKEN": _pick(np.minimum),
    "DST": _weigh(lambda s, d: 0.0, lambda s, d: 1.0),
    "DST_ATOP": _weigh(lambda s, d: 1 - d, lambda s, d: s),
    "DST_IN": _weigh(lambda s, d: 0.0, lambda s, d: s),
    "DST_OUT": _weigh(lambda s, d: 0.0, lambda s, d: 1 - s),
    "DST_OVER": _weigh(lambda s, d: 1 - d, lambda s, d: 1.0),
    "LIGHTEN": _pick(np.maximum),
    "MULTIPLY": lambda s, d: (s[0] * d[0], s[1] * d[1]),
    "OVERLAY": _overlay,
    "SCREEN": _screen,
    "SRC": _weigh(lambda s, d: 1.0, lambda s, d: 0.0),
    "SRC_ATOP": _weigh(lambda s, d: d, lambda s, d: 1 - s),
    "SRC_IN": _weigh(lambda s, d: d, lambda s, d: 0.0),
    "SRC_OUT": _weigh(lambda s, d: 1 - d, lambda s, d: 0.0),
    "SRC_OVER": _weigh(lambda s, d: 1.0, lambda s, d: 1 - s),
    "XOR": _weigh(lambda s, d: 1 - d, lambda s, d: 1 - s),
}


class PorterDuffImageComposite:
    """Composites by mode; the source takes the destination's size, the shorter batch decides."""

    RELATIVE_PYTHON_MODULE = "comfy_extras.nodes_compositing"
    RETURN_TYPES = ("IMAGE", "MASK")
    FUNCTION = "execute"
    CATEGORY = "mask/compositing"
    IS_SCHEMA_NODE: ClassVar[bool] = True

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {
            "required": {
                "source": ("IMAGE", {}),
                "source_alpha": ("MASK", {}),
                "destination": ("IMAGE", {}),
                "destination_alpha": ("MASK", {}),
                "mode": schema_choice(*_MODES, default="DST"),
            }
        }

    def execute(
        self,
        source: Floats,
        source_alpha: Floats,
        destination: Floats,
        destination_alpha: Floats,
        mode: str,
    ) -> tuple[Floats, Floats]:
        height, width = destination.shape[1:3]
        if source.shape[1:3] != (height, width):
            source = scale_image(source, width, height, "bicubic", "center")
        above = _make_layer(source, source_alpha)
        below = _make_layer(destination, destination_alpha)
        batch = min(len(layer) for layer in (*above, *below))
        colour, alpha = _MODES[mode](
            (above[0][:batch], above[1][:batch]), (below[0][:batch], below[1][:batch])
        )
        plain = np.where(alpha > _SMALLEST_ALPHA, colour / np.maximum(alpha, _SMALLEST_ALPHA), 0)
        return np.clip(plain, 0, 1).astype(np.float32), (1 - alpha[..., 0]).astype(np.float32)


def _make_layer(image: Floats, mask: Floats) -> Layer:
    height, width = image.shape[1:3]
    masks = as_mask_batch(mask)
    if masks.shape[1:] != (height, width):
        masks = scale_image(masks[..., None], width, height, "bicubic", "center")[..., 0]
    alpha = (1 - masks)[..., None]
    batch = min(len(image), len(alpha))
    return image[:batch, ..., :3] * alpha[:batch], alpha[:batch]


NODE_CLASS_MAPPINGS: dict[str, type] = {"PorterDuffImageComposite": PorterDuffImageComposite}
NODE_DISPLAY_NAME_MAPPINGS = {"PorterDuffImageComposite": "Porter-Duff Image Composite"}
