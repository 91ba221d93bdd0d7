"""The sampler nodes; what they do is in `painting`."""

from typing import Any

from comfyhouse_engine.models import Model
from comfyhouse_engine.nodes import conditioning, control, families, latents, vae
from comfyhouse_engine.nodes.conditioning import Conditioning
from comfyhouse_engine.nodes.latents import Latent
from comfyhouse_engine.nodes.painting import Order, run_sampler

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

_SEED = {"default": 0, "min": 0, "max": 2**64 - 1, "control_after_generate": True}
_STEPS = {"default": 20, "min": 1, "max": 10000}
_CFG = {"default": 8.0, "min": 0.0, "max": 100.0, "step": 0.1, "round": 0.01}


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
        return (run_sampler(order, seed, latent_image, steps),)


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
        return (run_sampler(order, seed, latent_image, last - start_at_step),)


NODE_CLASS_MAPPINGS: dict[str, type] = {
    **conditioning.NODE_CLASS_MAPPINGS,
    **control.NODE_CLASS_MAPPINGS,
    **families.NODE_CLASS_MAPPINGS,
    **latents.NODE_CLASS_MAPPINGS,
    **vae.NODE_CLASS_MAPPINGS,
    "KSampler": KSampler,
    "KSamplerAdvanced": KSamplerAdvanced,
}
NODE_DISPLAY_NAME_MAPPINGS: dict[str, str] = {
    **conditioning.NODE_DISPLAY_NAME_MAPPINGS,
    **control.NODE_DISPLAY_NAME_MAPPINGS,
    **latents.NODE_DISPLAY_NAME_MAPPINGS,
    **vae.NODE_DISPLAY_NAME_MAPPINGS,
    "KSampler": "KSampler",
    "KSamplerAdvanced": "KSampler (Advanced)",
}
