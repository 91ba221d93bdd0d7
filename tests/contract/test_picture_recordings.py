"""The graphs of every template and family against the declarations of a real ComfyUI 0.3.64, given
the models that it would need: what its POST /prompt says of them.
"""

import json
from copy import deepcopy
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from comfyhoused.core.workflows.catalogue import parse_catalogue
from comfyhoused.core.workflows.control import Control
from comfyhoused.core.workflows.files import list_file_ids
from comfyhoused.core.workflows.generate import build_graph
from comfyhoused.core.workflows.model_book import ModelBook
from comfyhoused.core.workflows.parameters import GenerateParameters, Lora
from comfyhoused.core.workflows.policy import NodePolicy
from comfyhoused.core.workflows.preparation import prepare_graph
from comfyhoused.core.workflows.upscale import Upscaling, build_upscale
from comfyhoused.core.workflows.validation import find_errors
from tests.picture_catalogues import FLUX, FLUX_DEV, SD15, SDXL, SHELF
from tests.recorded_semantics import list_refusals

RECORDING = (
    Path(__file__).parents[2] / "../shared/comfyui-recordings/object_info/object_info-full.json"
)
pytestmark = pytest.mark.skipif(not RECORDING.exists(), reason="no recordings beside the checkout")

BOOK = ModelBook.load()
PLACES = {
    "checkpoints": [("CheckpointLoaderSimple", "ckpt_name")],
    "diffusion_models": [("UNETLoader", "unet_name")],
    "text_encoders": [("DualCLIPLoader", "clip_name1"), ("DualCLIPLoader", "clip_name2")],
    "vae": [("VAELoader", "vae_name")],
    "loras": [("LoraLoader", "lora_name")],
    "controlnet": [("ControlNetLoader", "control_net_name")],
    "upscale_models": [("UpscaleModelLoader", "model_name")],
}
PICTURES: list[dict[str, Any]] = [
    {},
    {"init_image_file_id": "file_photo"},
    {"init_image_file_id": "file_photo", "mask_file_id": "file_mask", "image_size": (513, 499)},
]


@cache
def load_object_info() -> dict[str, Any]:
    """Return what was recorded, with the models of the shelf put into the real declarations."""
    info = deepcopy(json.loads(RECORDING.read_text())["response"]["body"])
    for folder, places in PLACES.items():
        for class_type, name in places:
            declared = info[class_type]["input"]["required"][name]
            if isinstance(declared[0], list):
                declared[0] = list(SHELF[folder])
            else:
                declared[1]["options"] = list(SHELF[folder])
    for class_type in ("LoadImage", "LoadImageMask"):
        info[class_type]["input"]["required"]["image"][0] = ["ch_picture.png"]
    return dict(info)


def expect_taken(graph: Any) -> None:
    info = load_object_info()
    assert find_errors(graph.graph, parse_catalogue(info), NodePolicy()) == []
    names = dict.fromkeys(list_file_ids(graph.graph), "ch_picture.png")
    sent = prepare_graph(graph, attempt_id="a1", file_names=names)
    assert list_refusals(sent, info) == set()


@pytest.mark.parametrize("model", [SD15, SDXL, FLUX, FLUX_DEV])
def test_a_real_server_takes_every_graph(model: str) -> None:
    catalogue = parse_catalogue(load_object_info())
    loras = (Lora("warm.safetensors"),)
    for pictures, control, count in product(
        PICTURES, (None, Control("canny", "file_edges")), (1, 4)
    ):
        parameters = GenerateParameters(
            prompt="a cat", model=model, seed=1, num_images=count, loras=loras, control=control,
            **pictures,
        )  # fmt: skip
        expect_taken(build_graph(parameters, [catalogue], BOOK))


@pytest.mark.parametrize("control", ["openpose", "depth", "tile"])
def test_a_real_server_takes_a_union(control: str) -> None:
    parameters = GenerateParameters(
        prompt="a cat", model=SDXL, seed=1, control=Control(control, "file_edges")
    )
    expect_taken(build_graph(parameters, [parse_catalogue(load_object_info())], BOOK))


@pytest.mark.parametrize("model", ["", "4x-UltraSharp.pth", "RealESRGAN_x2plus.pth"])
@pytest.mark.parametrize("factor", [2, 4])
def test_a_real_server_takes_the_enlarging(model: str, factor: int) -> None:
    wanted = Upscaling("file_small", 61, 33, factor, model)
    expect_taken(build_upscale(wanted, [parse_catalogue(load_object_info())], BOOK))
