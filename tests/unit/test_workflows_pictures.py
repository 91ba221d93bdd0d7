"""The graphs of every template and family, and what is refused with which alternatives."""

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from comfyhoused.core.workflows.catalogue import Catalogue
from comfyhoused.core.workflows.control import Control, list_offered_types
from comfyhoused.core.workflows.files import list_file_ids
from comfyhoused.core.workflows.generate import build_graph
from comfyhoused.core.workflows.graph import Graph
from comfyhoused.core.workflows.model_book import ModelBook
from comfyhoused.core.workflows.offer import find_offer_errors
from comfyhoused.core.workflows.parameters import (
    GenerateParameters,
    InvalidParameters,
    Lora,
    find_range_errors,
)
from comfyhoused.core.workflows.policy import NodePolicy
from comfyhoused.core.workflows.run_kind import name_run_kind
from comfyhoused.core.workflows.validation import check_graph
from tests.picture_catalogues import FLUX, FLUX_DEV, SD15, SDXL, make_catalogue

BOOK = ModelBook.load()
CATALOGUE = make_catalogue()
POLICY = NodePolicy()
PLAIN = GenerateParameters(prompt="a red barn", model=SD15, seed=7)
CANNY = Control("canny", "file_edges")
IMAGE = {"init_image_file_id": "file_photo", "image_size": (640, 480)}
MASK = {**IMAGE, "mask_file_id": "file_mask"}
SIZES = {"width": 640, "height": 480}


def build(catalogue: Catalogue = CATALOGUE, **changes: Any) -> Graph:
    return build_graph(replace(PLAIN, **changes), [catalogue], BOOK).graph


def find_errors(catalogue: Catalogue = CATALOGUE, **changes: Any) -> dict[str, Any]:
    errors = find_offer_errors(replace(PLAIN, **changes), [catalogue], BOOK)
    return {error["pointer"]: error.get("allowed") for error in errors}


@pytest.mark.parametrize(
    ("model", "pictures", "control", "count", "loras"),
    [
        *product(
            (SD15, SDXL, FLUX, FLUX_DEV),
            ({}, IMAGE, MASK, {**MASK, "image_size": (641, 479)}),
            (None, CANNY),
            (1, 4),
            ((), (Lora("warm.safetensors", 0.5),)),
        )
    ],
)
def test_every_combination_passes_our_own_check(
    model: str, pictures: dict[str, Any], control: Control | None, count: int, loras: Any
) -> None:
    graph = build(model=model, control=control, num_images=count, loras=loras, **SIZES, **pictures)
    workflow = check_graph(graph, CATALOGUE, POLICY)
    assert workflow.graph == graph  # nothing stray, nothing mistyped
    files = [name for name in ("file_photo", "file_mask") if name in str(pictures)]
    assert sorted(list_file_ids(graph)) == sorted(files + (["file_edges"] if control else []))


def test_sdxl_is_told_the_size() -> None:
    graph = build(model=SDXL, **SIZES)
    assert graph["positive"]["class_type"] == "CLIPTextEncodeSDXL"
    inputs = graph["positive"]["inputs"]
    assert [inputs[name] for name in ("width", "target_height")] == [640, 480]
    assert inputs["text_g"] == inputs["text_l"] == "a red barn"


def test_flux_is_put_together_from_its_parts() -> None:
    graph = build(model=FLUX, cfg_scale=3.0, loras=(Lora("warm.safetensors"),))
    assert graph["model"]["inputs"] == {"unet_name": FLUX, "weight_dtype": "default"}
    assert graph["clip"]["inputs"] == {
        "clip_name1": "clip_l.safetensors",
        "clip_name2": "t5xxl_fp8.safetensors",
        "type": "flux",
    }
    assert graph["vae"]["inputs"] == {"vae_name": "ae.safetensors"}
    assert graph["latent"]["class_type"] == "EmptySD3LatentImage"
    assert graph["guided"]["inputs"] == {"conditioning": ["positive", 0], "guidance": 3.0}
    assert graph["sampler"]["inputs"]["cfg"] == 1.0
    assert graph["sampler"]["inputs"]["positive"] == ["guided", 0]
    assert graph["lora1"]["inputs"]["clip"] == ["clip", 0]
    assert graph["decoder"]["inputs"]["vae"] == ["vae", 0]


def test_a_flux_checkpoint_needs_no_parts() -> None:
    graph = build(model=FLUX_DEV)
    assert graph["model"]["inputs"] == {"ckpt_name": FLUX_DEV}
    assert graph["sampler"]["inputs"]["cfg"] == 1.0
    assert "clip" not in graph


def test_inpaint_lays_the_result_over_the_original() -> None:
    graph = build(**MASK, **SIZES, strength=0.6)
    composed = graph["composed"]["inputs"]
    assert (composed["destination"], composed["source"]) == (["image", 0], ["decoder", 0])
    assert (composed["mask"], composed["x"], composed["y"]) == (["mask", 0], 0, 0)
    assert graph["output"]["inputs"]["images"] == ["composed", 0]
    assert graph["edited"]["inputs"] == {"mask": ["mask", 0], "value": 0.0}
    assert graph["wider"]["inputs"]["mask"] == ["edited", 0]
    assert graph["prepared"]["inputs"]["mask"] == ["wider", 0]
    assert graph["prepared"]["inputs"]["pixels"] == ["image", 0]
    assert graph["sampler"]["inputs"]["latent_image"] == ["prepared", 2]
    assert graph["sampler"]["inputs"]["denoise"] == 0.6


def test_inpaint_of_another_size_is_scaled_and_brought_back() -> None:
    pictures = {**MASK, "image_size": (1001, 333)}
    graph = build(**pictures, **SIZES, num_images=3)
    assert graph["prepared"]["inputs"]["pixels"] == ["scaled", 0]
    assert (graph["scaled"]["inputs"]["width"], graph["scaled"]["inputs"]["crop"]) == (
        640,
        "disabled",
    )
    painted = graph["painted"]["inputs"]
    assert (painted["image"], painted["width"], painted["height"]) == (["decoder", 0], 1001, 333)
    assert graph["composed"]["inputs"]["source"] == ["painted", 0]
    # ComfyUI composes as many as there are pictures below.
    assert graph["originals"]["inputs"] == {"image": ["image", 0], "amount": 3}
    assert graph["composed"]["inputs"]["destination"] == ["originals", 0]
    assert graph["repeated"]["inputs"] == {"samples": ["prepared", 2], "amount": 3}


def test_canny_is_drawn_from_the_picture_unless_it_is_a_map() -> None:
    graph = build(control=replace(CANNY, strength=1.5), **SIZES)
    assert graph["control_net"]["inputs"]["control_net_name"] == "control_v11p_sd15_canny.pth"
    assert graph["control_map"]["class_type"] == "Canny"
    assert graph["control_map"]["inputs"]["image"] == ["control_scaled", 0]
    applied = graph["controlled"]["inputs"]
    assert (applied["image"], applied["strength"]) == (["control_map", 0], 1.5)
    assert "vae" not in applied
    assert graph["sampler"]["inputs"]["negative"] == ["controlled", 1]
    ready = build(control=replace(CANNY, preprocess=False))
    assert "control_map" not in ready
    assert ready["controlled"]["inputs"]["image"] == ["control_scaled", 0]


def test_control_reaches_the_inpainting_and_flux_gets_its_vae() -> None:
    graph = build(model=FLUX, control=CANNY, **MASK, **SIZES)
    assert graph["controlled"]["inputs"]["vae"] == ["vae", 0]
    assert graph["controlled"]["inputs"]["positive"] == ["guided", 0]
    assert graph["prepared"]["inputs"]["positive"] == ["controlled", 0]
    assert graph["sampler"]["inputs"]["positive"] == ["prepared", 0]


def test_a_union_is_told_what_it_reads_and_comes_after_a_controlnet_of_its_own() -> None:
    union = build(model=SDXL, control=replace(CANNY, type="openpose"))
    assert union["control_mode"]["inputs"]["type"] == "openpose"
    assert union["controlled"]["inputs"]["control_net"] == ["control_mode", 0]
    own = build(model=SDXL, control=replace(CANNY, type="depth"))
    assert own["control_net"]["inputs"]["control_net_name"] == "diffusers_xl_depth.safetensors"
    assert "control_mode" not in own


def test_a_preprocessor_that_a_server_has_is_used() -> None:
    depth = replace(CANNY, type="depth")
    midas = {"input": {"required": {"image": ["IMAGE"]}}, "output": ["IMAGE"]}
    able = make_catalogue(extra={"MiDaS-DepthMapPreprocessor": midas})
    graph = build(able, model=SDXL, control=depth)
    assert graph["control_map"]["class_type"] == "MiDaS-DepthMapPreprocessor"
    assert "control_map" not in build(model=SDXL, control=depth)
    # The one server that can do it is taken, whichever comes first.
    asked = replace(PLAIN, model=SDXL, control=replace(depth, preprocess=True))
    assert "control_map" in build_graph(asked, [CATALOGUE, able], BOOK).graph


def test_what_no_server_has_is_refused_with_what_there_is() -> None:
    assert find_errors(control=replace(CANNY, type="depth")) == {
        "/controlnet_type": ["canny", "openpose"]
    }
    assert find_errors(control=replace(CANNY, type="nonsense", preprocess=True)) == {
        "/controlnet_type": ["canny", "openpose"]
    }
    assert find_errors(control=replace(CANNY, type="openpose", preprocess=True)) == {
        "/controlnet_preprocess": ["canny"]
    }
    models = [SD15, SDXL, FLUX_DEV, FLUX]
    assert find_errors(model="nonsense") == {"/model": models}
    assert find_errors(model="sd3.5_medium.safetensors") == {"/model": models}
    assert find_errors(model="wan2.1.safetensors") == {"/model": models}
    assert find_errors(loras=(Lora("offset_sdxl.safetensors"),)) == {
        "/loras/0/name": ["detail_sd15.safetensors", "warm.safetensors"]
    }
    assert find_errors(model=FLUX, negative_prompt="rain") == {"/negative_prompt": None}


@pytest.mark.parametrize("missing", ["text_encoders", "vae"])
def test_flux_without_its_parts_is_refused_and_said_why(missing: str) -> None:
    bare = make_catalogue(**{missing: ()})
    with pytest.raises(InvalidParameters, match="clip_l, t5xxl and Flux's VAE") as caught:
        build(bare, model=FLUX)
    assert caught.value.errors[0]["allowed"] == [SD15, SDXL, FLUX_DEV]


def test_a_server_without_a_node_class_is_not_asked() -> None:
    old = make_catalogue(without=("InpaintModelConditioning",))
    assert build(old)["output"]
    with pytest.raises(InvalidParameters, match="no single server"):
        build(old, **MASK)
    parameters = replace(PLAIN, **MASK)
    assert build_graph(parameters, [old, CATALOGUE], BOOK).graph["prepared"]


def test_without_a_union_node_only_controlnets_of_their_own_are_offered() -> None:
    sdxl = BOOK.families["sdxl"]
    assert list_offered_types(
        [make_catalogue(without=("SetUnionControlNetType",))], BOOK, sdxl
    ) == ["depth"]
    assert set(list_offered_types([CATALOGUE], BOOK, sdxl)) == set(BOOK.controls)


@pytest.mark.parametrize("strength", [-0.1, 2.1, float("nan")])
def test_the_strength_of_a_control_has_a_range(strength: float) -> None:
    errors = find_range_errors(replace(PLAIN, control=replace(CANNY, strength=strength)))
    assert [error["pointer"] for error in errors] == ["/controlnet_strength"]


@pytest.mark.parametrize("model", [SD15, SDXL, FLUX])
def test_other_words_take_equally_long_and_more_steps_do_not(model: str) -> None:
    kinds = [
        name_run_kind(build(model=model, **changes))
        for changes in ({}, {"prompt": "two boats", "seed": 9}, {"steps": 21})
    ]
    assert kinds[0] == kinds[1] != kinds[2]
