"""The samplers: they order pictures from the painter and report every step.

Image k of a batch is painted with seed + k, whatever the batch it comes from. Pixels that the
noise mask excludes leave as they came, to the bit.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comfyhouse_engine import painter, residence
from comfyhouse_engine.context import RunContext, current
from comfyhouse_engine.models import Loras, Model
from comfyhouse_engine.nodes import conditioning, latents
from comfyhouse_engine.nodes.conditioning import Conditioning, ControlHint
from comfyhouse_engine.nodes.latents import Array, Latent
from comfyhouse_engine.nodes.magic import OutOfMemoryError, read_orders
from comfyhouse_engine.painter import blend

Inputs = dict[str, dict[str, tuple[Any, ...]]]

SAMPLERS = [
    "euler",
    "euler_cfg_pp",
    "euler_ancestral",
    "euler_ancestral_cfg_pp",
    "heun",
    "heunpp2",
    "dpm_2",
    "dpm_2_ancestral",
    "lms",
    "dpm_fast",
    "dpm_adaptive",
    "dpmpp_2s_ancestral",
    "dpmpp_2s_ancestral_cfg_pp",
    "dpmpp_sde",
    "dpmpp_sde_gpu",
    "dpmpp_2m",
    "dpmpp_2m_cfg_pp",
    "dpmpp_2m_sde",
    "dpmpp_2m_sde_gpu",
    "dpmpp_2m_sde_heun",
    "dpmpp_2m_sde_heun_gpu",
    "dpmpp_3m_sde",
    "dpmpp_3m_sde_gpu",
    "ddpm",
    "lcm",
    "ipndm",
    "ipndm_v",
    "deis",
    "res_multistep",
    "res_multistep_cfg_pp",
    "res_multistep_ancestral",
    "res_multistep_ancestral_cfg_pp",
    "gradient_estimation",
    "gradient_estimation_cfg_pp",
    "er_sde",
    "seeds_2",
    "seeds_3",
    "sa_solver",
    "sa_solver_pece",
    "ddim",
    "uni_pc",
    "uni_pc_bh2",
]
SCHEDULERS = [
    "simple",
    "sgm_uniform",
    "karras",
    "exponential",
    "ddim_uniform",
    "beta",
    "normal",
    "linear_quadratic",
    "kl_optimal",
]

_MODEL_CHANNELS = 4
_SKETCH_PIXELS = 192
_SEEDS = 2**64
_MOST_PIXELS = 2**26
"""More in one batch would need gigabytes; a real server runs out of memory there, too."""
_CLIP_LORA_SHARE = 0.35
_SEED = {"default": 0, "min": 0, "max": _SEEDS - 1, "control_after_generate": True}
_STEPS = {"default": 20, "min": 1, "max": 10000}
_CFG = {"default": 8.0, "min": 0.0, "max": 100.0, "step": 0.1, "round": 0.01}


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
            scheduler=self.scheduler,
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


def _run(order: Order, seed: int, latent: Latent, steps: int) -> Latent:
    """Paint the batch while reporting `steps` steps; raises InterruptProcessing."""
    context = current()
    latent = _fit_channels(latent)
    _check_memory(latent)
    residence.load(order.model.name, context)
    extra = read_orders(conditioning.read_text(order.positive).text).obey(context)
    sheets = list(_list_sheets(order, seed, latent))
    hints = conditioning.list_hints(order.positive)
    sketch = _make_picture(order, hints, sheets[0].shrink(_SKETCH_PIXELS))
    pictures: list[Array] = []
    for step in range(1, steps + 1):
        residence.rest(context.switches.step_seconds + extra / steps, context)
        for sheet in sheets[len(pictures) : len(sheets) * step // steps]:
            context.check_interrupt()
            pictures.append(_make_picture(order, hints, sheet))
        _report(context, step, steps, sketch, seed)
    painted = latents.encode_pixels(np.stack(pictures))
    return {**latent, **painted}


def _report(context: RunContext, step: int, steps: int, sketch: Array, seed: int) -> None:
    stage = painter.show_stage(sketch, step / steps, seed)
    context.report_progress(step, steps, np.round(stage * 255.0).astype(np.uint8))


class KSampler:
    """Paints a latent as the prompts ask."""

    RETURN_TYPES = ("LATENT",)
    OUTPUT_TOOLTIPS = ("The painted latent.",)
    FUNCTION = "sample"
    CATEGORY = "sampling"
    DESCRIPTION = "Paints a latent with the model, guided by both prompts."

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        denoise = {"default": 1.0, "min": 0.0, "max": 1.0, "step": 0.01}
        return {
            "required": {
                "model": ("MODEL", {"tooltip": "The model that paints."}),
                "seed": ("INT", {**_SEED, "tooltip": "Same seed, same picture."}),
                "steps": ("INT", {**_STEPS, "tooltip": "How finely it is worked out."}),
                "cfg": ("FLOAT", {**_CFG, "tooltip": "How closely it follows the words."}),
                "sampler_name": (SAMPLERS, {"tooltip": "Changes the texture."}),
                "scheduler": (SCHEDULERS, {"tooltip": "Changes the tone."}),
                "positive": ("CONDITIONING", {"tooltip": "What to show."}),
                "negative": ("CONDITIONING", {"tooltip": "What to leave out."}),
                "latent_image": ("LATENT", {"tooltip": "What to paint on."}),
                "denoise": ("FLOAT", {**denoise, "tooltip": "How much may change."}),
            }
        }

    def sample(
        self,
        model: Model,
        seed: int,
        steps: int,
        cfg: float,
        sampler_name: str,
        scheduler: str,
        positive: Conditioning,
        negative: Conditioning,
        latent_image: Latent,
        denoise: float = 1.0,
    ) -> tuple[Latent]:
        if denoise <= 0.0:
            return (latent_image,)
        order = Order(positive, negative, model, steps, cfg, sampler_name, scheduler, denoise)
        return (_run(order, seed, latent_image, steps),)


class KSamplerAdvanced:
    """Paints from one step to another, so that two models can share the work."""

    RETURN_TYPES = ("LATENT",)
    FUNCTION = "sample"
    CATEGORY = "sampling"

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {
            "required": {
                "model": ("MODEL",),
                "add_noise": (["enable", "disable"],),
                "noise_seed": ("INT", dict(_SEED)),
                "steps": ("INT", dict(_STEPS)),
                "cfg": ("FLOAT", dict(_CFG)),
                "sampler_name": (SAMPLERS,),
                "scheduler": (SCHEDULERS,),
                "positive": ("CONDITIONING",),
                "negative": ("CONDITIONING",),
                "latent_image": ("LATENT",),
                "start_at_step": ("INT", {"default": 0, "min": 0, "max": 10000}),
                "end_at_step": ("INT", {"default": 10000, "min": 0, "max": 10000}),
                "return_with_leftover_noise": (["disable", "enable"],),
            }
        }

    def sample(
        self,
        model: Model,
        add_noise: str,
        noise_seed: int,
        steps: int,
        cfg: float,
        sampler_name: str,
        scheduler: str,
        positive: Conditioning,
        negative: Conditioning,
        latent_image: Latent,
        start_at_step: int,
        end_at_step: int,
        return_with_leftover_noise: str,
    ) -> tuple[Latent]:
        last = min(steps, end_at_step)
        if start_at_step >= last:
            return (latent_image,)
        order = Order(
            positive,
            negative,
            model,
            steps,
            cfg,
            sampler_name,
            scheduler,
            denoise=1.0 - start_at_step / steps,
            steps_done=last if return_with_leftover_noise == "enable" else None,
        )
        # Without noise of its own the run has nothing that could depend on the seed.
        seed = noise_seed if add_noise == "enable" else 0
        return (_run(order, seed, latent_image, last - start_at_step),)


NODE_CLASS_MAPPINGS: dict[str, type] = {
    **conditioning.NODE_CLASS_MAPPINGS,
    **latents.NODE_CLASS_MAPPINGS,
    "KSampler": KSampler,
    "KSamplerAdvanced": KSamplerAdvanced,
}
NODE_DISPLAY_NAME_MAPPINGS: dict[str, str] = {
    **conditioning.NODE_DISPLAY_NAME_MAPPINGS,
    **latents.NODE_DISPLAY_NAME_MAPPINGS,
    "KSampler": "KSampler",
    "KSamplerAdvanced": "KSampler (Advanced)",
}
