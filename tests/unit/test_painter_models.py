"""The shelf of models and what the loaders declare."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from comfyhouse_engine import models
from comfyhouse_engine.models import BadShelf, ModelShelf, UpscaleModel, list_models, set_shelf
from comfyhouse_engine.nodes import loaders, sampling
from comfyhouse_engine.switches import Switches

CLASSES = {**loaders.NODE_CLASS_MAPPINGS, **sampling.NODE_CLASS_MAPPINGS}
RECORDED = (
    Path(__file__).parents[2]
    / "../shared/comfyui-recordings/object_info/object_info-full-no-api-nodes.json"
)


@pytest.fixture(autouse=True)
def _default_shelf() -> Iterator[None]:
    set_shelf(ModelShelf())
    yield
    set_shelf(ModelShelf())


def test_the_default_shelf_has_something_in_each_important_folder() -> None:
    assert list_models("checkpoints")[0] == "sandbox-painter.safetensors"
    for folder in ("loras", "vae", "controlnet", "upscale_models", "diffusion_models"):
        assert list_models(folder)
    assert list_models("no such folder") == []


def test_a_shelf_file_replaces_all_names(tmp_path: Path) -> None:
    path = tmp_path / "shelf.json"
    path.write_text('{"checkpoints": ["a.safetensors", "b.safetensors"], "mine": ["x"]}')
    set_shelf(ModelShelf.from_json(path))
    choice = loaders.CheckpointLoaderSimple.INPUT_TYPES()["required"]["ckpt_name"][0]
    assert choice == ["a.safetensors", "b.safetensors"]
    assert list_models("loras") == []
    assert models.list_folders()[-1] == "mine"


@pytest.mark.parametrize("text", ["[]", '{"checkpoints": "a"}', '{"loras": [1]}', "{"])
def test_a_bad_shelf_file_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "shelf.json"
    path.write_text(text)
    with pytest.raises(BadShelf, match=r"shelf\.json"):
        ModelShelf.from_json(path)


def test_the_switch_hides_the_checkpoints() -> None:
    switches = Switches()
    set_shelf(ModelShelf(), switches)
    switches.apply({"no_checkpoints": True})
    assert list_models("checkpoints") == []
    switches.apply({"no_checkpoints": False})
    assert list_models("checkpoints")[0] == "sandbox-painter.safetensors"


@pytest.mark.parametrize(
    ("name", "scale"), [("sandbox-2x.pth", 2), ("RealESRGAN_x4plus.pth", 4), ("plain.pth", 4)]
)
def test_an_upscaler_enlarges_by_what_its_name_says(name: str, scale: int) -> None:
    assert UpscaleModel(name).scale == scale


def _shape_of(declared: Any) -> object:
    """Return what a client reads: option names and types, values where they are choices."""
    kind, *rest = declared
    names = {key for options in rest for key in options}
    limits = {key: options[key] for options in rest for key in options
              if key in ("default", "min", "max", "step", "round")}  # fmt: skip
    return (kind if isinstance(kind, str) else "choice", names, limits)


@pytest.mark.skipif(not RECORDED.exists(), reason="the recordings are not here")
@pytest.mark.parametrize("name", sorted(CLASSES))
def test_inputs_and_outputs_are_declared_as_recorded(name: str) -> None:
    recorded = json.loads(RECORDED.read_text())["response"]["body"][name]
    node = CLASSES[name]
    declared = json.loads(json.dumps(node.INPUT_TYPES()))
    assert list(declared) == list(recorded["input"])
    for group, inputs in recorded["input"].items():
        assert list(declared[group]) == list(inputs)
        for key, value in inputs.items():
            assert _shape_of(declared[group][key]) == _shape_of(value), key
    assert list(node.RETURN_TYPES) == recorded["output"]
    assert list(getattr(node, "RETURN_NAMES", node.RETURN_TYPES)) == recorded["output_name"]
    assert recorded["category"] == node.CATEGORY


@pytest.mark.skipif(not RECORDED.exists(), reason="the recordings are not here")
def test_samplers_and_schedulers_are_the_recorded_ones() -> None:
    inputs = json.loads(RECORDED.read_text())["response"]["body"]["KSampler"]["input"]["required"]
    assert inputs["sampler_name"][0] == sampling.SAMPLERS
    assert inputs["scheduler"][0] == sampling.SCHEDULERS
