"""A template's inputs: their JSON Schema with real choices, and the request they make."""

from typing import Any

import pytest

from comfyhoused.api.job_requests import GenerateRequest, UpscaleRequest
from comfyhoused.api.template_inputs import (
    TemplateNotFound,
    get_template,
    make_input_schema,
    read_template_inputs,
)
from comfyhoused.api.templates import detail_template
from comfyhoused.core.workflows.model_book import ModelBook
from comfyhoused.core.workflows.parameters import InvalidParameters
from comfyhoused.core.workflows.templates import TEMPLATES
from tests.picture_catalogues import FLUX, FLUX_DEV, SD15, SDXL, make_catalogue

BOOK = ModelBook.load()
CATALOGUE = make_catalogue()


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_input_is_a_field_of_the_request(name: str) -> None:
    template = TEMPLATES[name]
    schema = make_input_schema(template, {}, [])
    fields = (UpscaleRequest if name == "upscale" else GenerateRequest).model_fields
    assert list(schema["properties"]) == list(template.inputs)
    assert set(template.inputs) <= set(fields)
    assert schema["required"] == list(template.required)
    assert all("null" not in str(one.get("type")) for one in schema["properties"].values())


def test_the_choices_are_those_of_the_servers() -> None:
    detail = detail_template(TEMPLATES["controlnet"], [CATALOGUE], BOOK)
    fields = detail.inputs["properties"]
    assert fields["model"]["enum"] == [SD15, SDXL, FLUX_DEV, FLUX]
    assert fields["width"] == {
        **fields["width"],
        "type": "integer",
        "minimum": 64,
        "maximum": 2048,
        "multipleOf": 8,
    }
    assert fields["loras"]["items"]["properties"]["name"]["enum"][0] == "detail_sd15.safetensors"
    assert fields["control_image"]["contentMediaType"] == "image/*"
    controls = {one.type: one for one in detail.controls}
    assert (controls["canny"].preprocessed, controls["depth"].preprocessed) == (True, False)
    assert controls["openpose"].families == ["sd15", "sdxl", "other"]
    assert controls["depth"].models[0] == "diffusers_xl_depth.safetensors"


def test_what_is_not_offered_says_why() -> None:
    bare = make_catalogue(controlnet=(), without=("LoadImageMask",))
    control = detail_template(TEMPLATES["controlnet"], [bare], BOOK)
    assert (control.offered, control.inputs["properties"]["controlnet_type"].get("enum")) == (
        False,
        None,
    )
    assert control.reason == "no server has a ControlNet for this family"
    inpaint = detail_template(TEMPLATES["inpaint"], [bare], BOOK)
    assert not inpaint.offered
    assert "no single server" in str(inpaint.reason)
    upscale = detail_template(TEMPLATES["upscale"], [make_catalogue(upscale_models=())], BOOK)
    assert (upscale.offered, upscale.upscalers) == (True, [])  # it resamples


def test_inputs_become_the_request() -> None:
    request = read_template_inputs("text-to-image", {"prompt": "a barn", "priority": 3})
    assert isinstance(request, GenerateRequest)
    assert (request.prompt, request.priority) == ("a barn", 3)
    assert isinstance(read_template_inputs("upscale", {"image": "file_abcd"}), UpscaleRequest)


@pytest.mark.parametrize(
    ("name", "inputs", "pointers"),
    [
        ("inpaint", {"prompt": "a"}, ["/inputs/3/init_image", "/inputs/3/mask_image"]),
        ("text-to-image", {"prompt": "a", "wdith": 64}, ["/inputs/3/wdith"]),
        ("text-to-image", {"prompt": "a", "steps": "many"}, ["/inputs/3/steps"]),
        ("upscale", {"image": None}, ["/inputs/3/image"]),
    ],
)
def test_what_is_wrong_is_named(name: str, inputs: dict[str, Any], pointers: list[str]) -> None:
    with pytest.raises(InvalidParameters) as caught:
        read_template_inputs(name, inputs, root="/inputs/3")
    assert [error["pointer"] for error in caught.value.errors] == pointers


def test_an_unknown_template_names_those_there_are() -> None:
    with pytest.raises(TemplateNotFound, match="text-to-image, image-to-image, inpaint"):
        get_template("nonsense")
