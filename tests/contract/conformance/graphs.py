"""The two graphs that most recordings are made of, and the models that they name."""

from typing import Any

Graph = dict[str, Any]

RECORDED_MODELS = {
    "checkpoints": ["sd15_random.safetensors"],
    "controlnet": ["control_sd15_random.safetensors"],
    "upscale_models": ["srvgg_x2_random.safetensors"],
}


def make_noop(color: int = 0, prefix: str = "noop", size: int = 64) -> Graph:
    """Return EmptyImage -> SaveImage."""
    inputs = {"width": size, "height": size, "batch_size": 1, "color": color}
    return {
        "1": {"class_type": "EmptyImage", "inputs": inputs},
        "2": {
            "class_type": "SaveImage",
            "inputs": {"images": ["1", 0], "filename_prefix": prefix},
        },
    }


def make_t2i(seed: int = 1, steps: int = 2, text: str = "a photo of a cat") -> Graph:
    """Return the recorded text-to-image graph, 64 x 64."""
    sampler = {
        "seed": seed,
        "steps": steps,
        "cfg": 7.0,
        "sampler_name": "euler",
        "scheduler": "normal",
        "denoise": 1.0,
        "model": ["4", 0],
        "positive": ["6", 0],
        "negative": ["7", 0],
        "latent_image": ["5", 0],
    }
    latent = {"width": 64, "height": 64, "batch_size": 1}
    return {
        "4": {
            "class_type": "CheckpointLoaderSimple",
            "inputs": {"ckpt_name": "sd15_random.safetensors"},
        },
        "5": {"class_type": "EmptyLatentImage", "inputs": latent},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": text, "clip": ["4", 1]}},
        "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "bad", "clip": ["4", 1]}},
        "3": {"class_type": "KSampler", "inputs": sampler},
        "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
        "9": {
            "class_type": "SaveImage",
            "inputs": {"images": ["8", 0], "filename_prefix": "t2i"},
        },
    }


def make_wrong_latent() -> Graph:
    """Return a graph that validates and fails in VAEDecode: 16 latent channels for a VAE of 4."""
    graph = make_t2i()
    latent = {"width": 64, "height": 64, "batch_size": 1}
    return {
        "4": graph["4"],
        "5": {"class_type": "EmptySD3LatentImage", "inputs": latent},
        "8": {"class_type": "VAEDecode", "inputs": {"samples": ["5", 0], "vae": ["4", 2]}},
        "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0], "filename_prefix": "x"}},
    }
