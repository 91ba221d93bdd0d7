"""Workflows that need no model, and one that needs a checkpoint."""

import itertools
import uuid
from typing import Any

Graph = dict[str, Any]
_colours = itertools.count(int(uuid.uuid4()) % 0xFFFFFF)


def make_node(class_type: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs}


def make_noop(colour: int | None = None, *, prefix: str = "ch/tests", side: int = 64) -> Graph:
    """EmptyImage -> SaveImage; never cached unless the colour is given."""
    colour = next(_colours) % 0xFFFFFF if colour is None else colour
    return {
        "1": make_node("EmptyImage", width=side, height=side, batch_size=1, color=colour),
        "2": make_node("SaveImage", images=["1", 0], filename_prefix=prefix),
    }


def make_chain(length: int = 40) -> Graph:
    """Many slow nodes, so that an interrupt finds a place to take effect."""
    graph = make_noop(side=1024)
    for number in range(10, 10 + length):
        source = ["1", 0] if number == 10 else [str(number - 1), 0]
        graph[str(number)] = make_node("ImageBlur", image=source, blur_radius=31, sigma=10.0)
    graph["2"]["inputs"]["images"] = [str(9 + length), 0]
    return graph


def make_text_to_image(
    checkpoint: str, *, text: str = "a red house", steps: int = 3, seed: int | None = None
) -> Graph:
    seed = next(_colours) if seed is None else seed
    sampling = {"steps": steps, "cfg": 7.0, "sampler_name": "euler", "scheduler": "normal"}
    links = {
        "model": ["4", 0],
        "positive": ["6", 0],
        "negative": ["7", 0],
        "latent_image": ["5", 0],
    }
    return {
        "4": make_node("CheckpointLoaderSimple", ckpt_name=checkpoint),
        "5": make_node("EmptyLatentImage", width=64, height=64, batch_size=1),
        "6": make_node("CLIPTextEncode", text=text, clip=["4", 1]),
        "7": make_node("CLIPTextEncode", text="", clip=["4", 1]),
        "3": make_node("KSampler", seed=seed, denoise=1.0, **sampling, **links),
        "8": make_node("VAEDecode", samples=["3", 0], vae=["4", 2]),
        "9": make_node("SaveImage", images=["8", 0], filename_prefix="ch/tests"),
    }
