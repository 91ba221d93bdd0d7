"""The parameters of generate: ranges, choices, and the graphs they become."""

from dataclasses import replace
from typing import Any

import pytest

from comfyhoused.core.workflows.catalogue import Catalogue, parse_catalogue
from comfyhoused.core.workflows.cost import count_units
from comfyhoused.core.workflows.files import list_file_ids
from comfyhoused.core.workflows.generate import build_graph as build_graph_on_any
from comfyhoused.core.workflows.graph import Workflow
from comfyhoused.core.workflows.model_book import ModelBook
from comfyhoused.core.workflows.offer import find_offer_errors
from comfyhoused.core.workflows.painters import list_painters
from comfyhoused.core.workflows.parameters import (
    GenerateParameters,
    InvalidParameters,
    Lora,
    NoModels,
    choose_model,
    find_range_errors,
)
from comfyhoused.core.workflows.validation import check_graph
from comfyhoused.kit.errors import FieldError
from tests.workflow_cases import CATALOGUE, CHECKPOINT, OBJECT_INFO, POLICY, SAMPLERS

PLAIN = GenerateParameters(prompt="a red barn", model=CHECKPOINT, seed=7)
PICTURE = replace(PLAIN, init_image_file_id="file_abcd1234", strength=0.4)
LORAS = (Lora("warm.safetensors", 0.5), Lora("cold.safetensors", -1.0))
BOOK = ModelBook.load()


def find_parameter_errors(parameters: GenerateParameters, catalogue: Catalogue) -> list[FieldError]:
    return [
        *find_range_errors(parameters),
        *find_offer_errors(parameters, [catalogue], BOOK),
    ]


def build_graph(parameters: GenerateParameters, catalogue: Catalogue) -> Workflow:
    return build_graph_on_any(parameters, [catalogue], BOOK)


def list_models(catalogue: Catalogue) -> list[str]:
    return list(list_painters([catalogue], BOOK))


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"prompt": ""}, "/prompt"),
        ({"prompt": " \n"}, "/prompt"),
        ({"prompt": "x" * 5001}, "/prompt"),
        ({"prompt": "a\x00"}, "/prompt"),
        ({"negative_prompt": "\udfff"}, "/negative_prompt"),
        ({"width": 56}, "/width"),
        ({"width": 2056}, "/width"),
        ({"height": 513}, "/height"),
        ({"steps": 0}, "/steps"),
        ({"steps": 151}, "/steps"),
        ({"cfg_scale": 0.9}, "/cfg_scale"),
        ({"cfg_scale": 30.1}, "/cfg_scale"),
        ({"cfg_scale": float("nan")}, "/cfg_scale"),
        ({"seed": -1}, "/seed"),
        ({"seed": 2**32}, "/seed"),
        ({"seed": 10**5000}, "/seed"),
        ({"num_images": 0}, "/num_images"),
        ({"num_images": 5}, "/num_images"),
        ({"strength": -0.1}, "/strength"),
        ({"strength": 1.1}, "/strength"),
        ({"strength": float("inf")}, "/strength"),
        ({"loras": (Lora("nosuch", 1.0),)}, "/loras/0/name"),
        ({"loras": (Lora("warm.safetensors", 11),)}, "/loras/0/strength"),
        ({"loras": (Lora("warm.safetensors"),) * 9}, "/loras"),
        ({"model": "nosuch"}, "/model"),
        ({"sampler_name": "nosuch"}, "/sampler_name"),
        ({"scheduler": "nosuch"}, "/scheduler"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_parameter_is_refused_by_name(changes: dict[str, Any], pointer: str) -> None:
    errors = find_parameter_errors(replace(PLAIN, **changes), CATALOGUE)
    assert [error["pointer"] for error in errors] == [pointer]
    assert len(errors[0]["detail"]) < 200


@pytest.mark.parametrize(
    "changes",
    [
        {"prompt": "x" * 5000, "width": 64, "height": 2048, "steps": 150, "cfg_scale": 30},
        {"seed": 2**32 - 1, "num_images": 4, "strength": 1, "cfg_scale": 1.0},
        {"seed": 0, "num_images": 1, "strength": 0.0, "steps": 1, "loras": LORAS},
        {"model": "photo.ckpt", "sampler_name": "sampler_59", "scheduler": "karras"},
    ],
)
def test_the_edges_of_the_ranges_are_taken(changes: dict[str, Any]) -> None:
    assert find_parameter_errors(replace(PLAIN, **changes), CATALOGUE) == []


def test_what_is_offered_is_listed() -> None:
    wrong = replace(PLAIN, model="m", sampler_name="s", scheduler="t")
    errors = find_parameter_errors(wrong, CATALOGUE)
    assert [error["pointer"] for error in errors] == ["/model", "/sampler_name", "/scheduler"]
    assert [error["allowed"] for error in errors] == [
        [CHECKPOINT, "photo.ckpt"],
        SAMPLERS[:50],
        ["simple", "karras", "normal"],
    ]


def test_wrong_parameters_become_no_graph() -> None:
    with pytest.raises(InvalidParameters) as caught:
        build_graph(replace(PLAIN, width=1, steps=0), CATALOGUE)
    assert (caught.value.status, caught.value.code) == (422, "invalid_parameters")
    assert [error["pointer"] for error in caught.value.errors] == ["/width", "/steps"]


@pytest.mark.parametrize(
    ("requested", "chosen"),
    [
        (None, CHECKPOINT),
        ("photo.ckpt", "photo.ckpt"),
        ("photo", "photo.ckpt"),
        ("painter", CHECKPOINT),
        ("nosuch", "nosuch"),
        ("", ""),
    ],
)
def test_a_model_is_chosen(requested: str | None, chosen: str) -> None:
    assert choose_model(requested, list_models(CATALOGUE)) == chosen


def test_an_ambiguous_model_is_not_guessed() -> None:
    loader = {"input": {"required": {"ckpt_name": [["a.ckpt", "a.safetensors"]]}}, "output": []}
    assert (
        choose_model("a", list_models(parse_catalogue({"CheckpointLoaderSimple": loader}))) == "a"
    )


@pytest.mark.parametrize(
    "catalogue", [Catalogue({}), parse_catalogue({"KSampler": OBJECT_INFO["KSampler"]})]
)
def test_no_model_at_all_says_what_to_do(catalogue: Catalogue) -> None:
    with pytest.raises(NoModels, match="models/checkpoints") as caught:
        choose_model(None, list_models(catalogue))
    assert (caught.value.status, caught.value.code) == (503, "no_models")


@pytest.mark.parametrize(
    "parameters",
    [
        PLAIN,
        PICTURE,
        replace(PLAIN, num_images=4, loras=LORAS, width=2048, height=64),
        replace(PICTURE, num_images=4, loras=LORAS, strength=0),
    ],
)
def test_what_we_build_passes_our_own_check(parameters: GenerateParameters) -> None:
    workflow = build_graph(parameters, CATALOGUE)
    assert check_graph(workflow.graph, CATALOGUE, POLICY) == workflow


def test_every_parameter_arrives_in_the_graph() -> None:
    parameters = replace(
        PLAIN,
        negative_prompt="rain",
        width=640,
        height=384,
        steps=33,
        cfg_scale=4.5,
        sampler_name="heun",
        scheduler="karras",
        num_images=3,
        model="photo.ckpt",
    )
    graph = build_graph(parameters, CATALOGUE).graph
    assert graph["model"]["inputs"]["ckpt_name"] == "photo.ckpt"
    assert graph["positive"]["inputs"]["text"] == "a red barn"
    assert graph["negative"]["inputs"]["text"] == "rain"
    assert graph["latent"]["inputs"] == {"width": 640, "height": 384, "batch_size": 3}
    sampler = graph["sampler"]["inputs"]
    assert (sampler["seed"], sampler["steps"], sampler["cfg"]) == (7, 33, 4.5)
    assert (sampler["sampler_name"], sampler["scheduler"]) == ("heun", "karras")
    assert (sampler["denoise"], sampler["latent_image"]) == (1.0, ["latent", 0])
    assert sampler["positive"] == ["positive", 0]
    assert sampler["negative"] == ["negative", 0]


def test_loras_follow_one_another() -> None:
    graph = build_graph(replace(PLAIN, loras=LORAS), CATALOGUE).graph
    first, second = graph["lora1"]["inputs"], graph["lora2"]["inputs"]
    assert (first["lora_name"], first["strength_model"], first["strength_clip"]) == (
        "warm.safetensors",
        0.5,
        0.5,
    )
    assert (first["model"], first["clip"]) == (["model", 0], ["model", 1])
    assert (second["model"], second["clip"]) == (["lora1", 0], ["lora1", 1])
    assert graph["sampler"]["inputs"]["model"] == ["lora2", 0]
    assert graph["positive"]["inputs"]["clip"] == ["lora2", 1]
    assert graph["decoder"]["inputs"]["vae"] == ["model", 2]


def test_all_that_is_asked_for_must_be_on_one_server() -> None:
    loader = {"input": {"required": {"ckpt_name": [["only-here.ckpt"]]}}, "output": []}
    bare = {name: raw for name, raw in OBJECT_INFO.items() if name != "LoraLoader"}
    other = parse_catalogue({**bare, "CheckpointLoaderSimple": loader})
    wanted = replace(PLAIN, model="only-here.ckpt")
    assert build_graph_on_any(wanted, [CATALOGUE, other], BOOK) == build_graph(wanted, other)
    with pytest.raises(InvalidParameters, match="no single server") as caught:
        build_graph_on_any(replace(wanted, loras=LORAS), [CATALOGUE, other], BOOK)
    assert [error["pointer"] for error in caught.value.errors] == ["/model"]


def test_image_to_image_starts_from_the_scaled_file() -> None:
    graph = build_graph(replace(PICTURE, num_images=2, width=640), CATALOGUE).graph
    assert list_file_ids(graph) == ["file_abcd1234"]
    scaled = graph["scaled"]["inputs"]
    assert (scaled["width"], scaled["height"], scaled["crop"]) == (640, 512, "center")
    assert graph["encoded"]["inputs"]["pixels"] == ["scaled", 0]
    assert graph["repeated"]["inputs"] == {"samples": ["encoded", 0], "amount": 2}
    assert graph["sampler"]["inputs"]["latent_image"] == ["repeated", 0]
    assert graph["sampler"]["inputs"]["denoise"] == 0.4
    assert "latent" not in graph


def test_one_picture_needs_no_repetition() -> None:
    graph = build_graph(PICTURE, CATALOGUE).graph
    assert graph["sampler"]["inputs"]["latent_image"] == ["encoded", 0]
    assert "repeated" not in graph


@pytest.mark.parametrize(
    ("width", "height", "steps", "num_images", "units"),
    [
        (64, 64, 1, 1, 1),
        (1024, 1024, 50, 1, 1),
        (1024, 1024, 50, 4, 4),
        (1032, 1024, 50, 1, 2),
        (1032, 1024, 50, 4, 5),
        (2048, 2048, 50, 1, 4),
        (512, 512, 51, 1, 2),
        (512, 512, 150, 1, 3),
        (2048, 2048, 150, 4, 48),
        (2048, 64, 50, 1, 1),
    ],
)
def test_units(width: int, height: int, steps: int, num_images: int, units: int) -> None:
    assert count_units(width=width, height=height, steps=steps, num_images=num_images) == units
