"""What a sampler does: order pictures from the painter and report every step.

Image k of a batch is painted with seed + k, whatever the batch it comes from. Pixels that the
noise mask excludes leave as they came, to the bit.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from comfyhouse_engine import painter, residence
from comfyhouse_engine.context import RunContext, current
from comfyhouse_engine.models import Loras, Model
from comfyhouse_engine.nodes import conditioning, control, latents
from comfyhouse_engine.nodes.conditioning import Conditioning
from comfyhouse_engine.nodes.control import ControlHint
from comfyhouse_engine.nodes.latents import Array, Latent
from comfyhouse_engine.nodes.magic import OutOfMemoryError, read_orders
from comfyhouse_engine.painter import blend

_MODEL_CHANNELS = 4
_SKETCH_PIXELS = 192
_SEEDS = 2**64
_MOST_PIXELS = 2**26
"""More in one batch would need gigabytes; a real server runs out of memory there, too."""
_CLIP_LORA_SHARE = 0.35


@dataclass(frozen=True, eq=False)
class Order:
    """Everything that is the same for each picture of one sampler run."""

    positive: Conditioning
    negative: Conditioning
    model: Model
    steps: int
    cfg: float
    sampler: str
    scheduler: str
    denoise: float = 1.0
    steps_done: int | None = None
    """How many of `steps` count as done at the end; None = all. Fewer leave the picture rough."""

    @property
    def loras(self) -> Loras:
        """The model's LoRAs, then the text encoder's at a lower weight."""
        encoded = conditioning.read_text(self.positive)
        from_clip = tuple((name, force * _CLIP_LORA_SHARE) for name, force in encoded.loras)
        skipped = -1 - encoded.stop_at_layer
        skip = ((f"clip-skip-{skipped}", 0.3),) if skipped else ()
        return (*self.model.loras, *from_clip, *skip)

    @property
    def guidance(self) -> float:
        """The cfg that matters: distilled models run with cfg 1 and a guidance of their own."""
        distilled = conditioning.find_guidance(self.positive)
        return distilled * 2.0 if distilled is not None and self.cfg <= 1.0 else self.cfg

    @property
    def _scheduler(self) -> str:
        """The scheduler that matters: a shift makes another one of it."""
        shift = self.model.shift
        return self.scheduler if shift is None else f"{self.scheduler} shifted {shift:.2f}"

    def paint(self, seed: int, width: int, height: int) -> Array:
        """Return the picture [height, width, 3] that the words ask for."""
        return painter.paint(
            text=read_orders(conditioning.read_text(self.positive).text).text,
            negative=conditioning.read_text(self.negative).text,
            width=width,
            height=height,
            seed=seed % _SEEDS,
            steps=self.steps if self.steps_done is None else max(1, self.steps_done),
            cfg=self.guidance,
            sampler=self.sampler,
            scheduler=self._scheduler,
            model=self.model.name,
            loras=self.loras,
        )


@dataclass(frozen=True, eq=False)
class Sheet:
    """What one picture of the batch is painted on: its seed, old pixels and mask."""

    seed: int
    index: int
    width: int
    height: int
    base: Array | None
    mask: NDArray[np.float32] | None

    def shrink(self, limit: int) -> "Sheet":
        """Return the same sheet with its longer side at most `limit` pixels."""
        factor = min(1.0, limit / max(self.width, self.height))
        width, height = (max(8, round(side * factor)) for side in (self.width, self.height))
        base = None if self.base is None else blend.resize(self.base, width, height)
        mask = None if self.mask is None else blend.resize(self.mask, width, height)
        return replace(self, width=width, height=height, base=base, mask=mask)


def _make_picture(order: Order, hints: list[ControlHint], sheet: Sheet) -> Array:
    """Paint, let the control pictures show through, keep what strength and mask protect."""
    picture = order.paint(sheet.seed, sheet.width, sheet.height)
    for hint in hints:
        image = hint.image[sheet.index % len(hint.image)]
        force = hint.strength * max(0.0, hint.end - hint.start)
        picture = blend.show_through(picture, image, hint.control_net, force)
    if sheet.base is None:
        return picture
    if sheet.mask is not None:
        picture = painter.stamp_inside(picture, sheet.mask)
    return blend.paint_over(sheet.base, picture, order.denoise, sheet.mask)


def _list_sheets(order: Order, seed: int, latent: Latent) -> Iterator[Sheet]:
    count, _, rows, columns = latent["samples"].shape
    width, height = columns * 8, rows * 8
    needs_base = "pixels" in latent or "noise_mask" in latent or order.denoise < 1.0
    base = latents.get_pixels(_fit_channels(latent)) if needs_base else None
    mask = latent.get("noise_mask")
    masks = None if mask is None else latents.fit_mask(mask, count, width, height)
    known = latent.get("batch_index", range(count))
    for index in range(count):
        yield Sheet(
            seed=seed + known[index],
            index=index,
            width=width,
            height=height,
            base=None if base is None else base[index],
            mask=None if masks is None else masks[index],
        )


def _fit_channels(latent: Latent) -> Latent:
    """Return the latent with the model's channels; an empty one fits any model.

    Raises RuntimeError for a painted latent of another kind, as a real model would.
    """
    samples = latent["samples"]
    count, channels, rows, columns = samples.shape
    if channels == _MODEL_CHANNELS:
        return latent
    if samples.any():
        raise RuntimeError(
            f"Given groups=1, weight of size [320, {_MODEL_CHANNELS}, 3, 3], expected "
            f"input{[count * 2, channels, rows, columns]} to have {_MODEL_CHANNELS} channels, "
            f"but got {channels} channels instead"
        )
    fitted = latent.copy()
    fitted["samples"] = np.zeros((count, _MODEL_CHANNELS, rows, columns), dtype=np.float32)
    return fitted


def _check_memory(latent: Latent) -> None:
    """Raise OutOfMemoryError for a batch that is too big to paint."""
    count, _, rows, columns = latent["samples"].shape
    if count * rows * columns * 64 > _MOST_PIXELS:
        raise OutOfMemoryError(
            f"Allocation on device 0 would exceed allowed memory. (out of memory) "
            f"{count} pictures of {columns * 8} x {rows * 8} are too many for the sandbox"
        )


def run_sampler(order: Order, seed: int, latent: Latent, steps: int) -> Latent:
    """Paint the batch while reporting `steps` steps; raises InterruptProcessing."""
    context = current()
    latent = _fit_channels(latent)
    _check_memory(latent)
    residence.load(order.model.name, context)
    extra = read_orders(conditioning.read_text(order.positive).text).obey(context)
    sheets = list(_list_sheets(order, seed, latent))
    hints = control.list_hints(order.positive)
    sketch = _make_picture(order, hints, sheets[0].shrink(_SKETCH_PIXELS))
    pictures: list[Array] = []
    for step in range(1, steps + 1):
        residence.wait_while(partial(_is_held, context, step), context)
        residence.rest(context.switches.step_seconds + extra / steps, context)
        for sheet in sheets[len(pictures) : len(sheets) * step // steps]:
            context.check_interrupt()
            pictures.append(_make_picture(order, hints, sheet))
        _report(context, step, steps, sketch, seed)
    painted = latents.encode_pixels(np.stack(pictures))
    return {**latent, **painted}


def _is_held(context: RunContext, step: int) -> bool:
    return context.switches.hold_at_step == step


def _report(context: RunContext, step: int, steps: int, sketch: Array, seed: int) -> None:
    stage = painter.show_stage(sketch, step / steps, seed)
    context.report_progress(step, steps, np.round(stage * 255.0).astype(np.uint8))
