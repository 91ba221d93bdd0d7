"""Declared inputs of registered workflows: resolved, published as JSON Schema, filled."""

from copy import deepcopy
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfyhoused.core.workflows.catalogue import parse_catalogue
from comfyhoused.core.workflows.registered.definition import (
    DeclaredInput,
    Definition,
    InputType,
    Target,
    describe_definition,
    parse_definition,
)
from comfyhoused.core.workflows.registered.filling import (
    InvalidInputs,
    fill_graph,
    make_sample,
    point_at_inputs,
    read_inputs,
)
from comfyhoused.core.workflows.registered.resolving import resolve_inputs
from comfyhoused.core.workflows.registered.schema import make_schema
from comfyhoused.core.workflows.validation import find_errors
from tests.hypotheses import UNHURRIED
from tests.workflow_cases import (
    CATALOGUE,
    CHECKPOINT,
    OBJECT_INFO,
    POLICY,
    make_image_graph,
    make_text_graph,
)

CATALOGUES = [CATALOGUE]
FILE = "file_abcd1234"


def declare(name: str, kind: InputType, *targets: str, **more: Any) -> DeclaredInput:
    places = tuple(Target(*target.split(".")) for target in targets)
    return DeclaredInput(name, kind, places, **more)


def define(*drafts: DeclaredInput, graph: dict[str, Any] | None = None) -> Definition:
    graph = graph or make_text_graph()
    inputs, errors = resolve_inputs(drafts, graph, CATALOGUES)
    assert not errors
    return Definition(graph, inputs)


def find_faults(*drafts: DeclaredInput, graph: dict[str, Any] | None = None) -> list[str]:
    inputs, errors = resolve_inputs(drafts, graph or make_text_graph(), CATALOGUES)
    assert len(inputs) < len(drafts)
    return [f"{error['pointer']}: {error['detail']}" for error in errors]


PROMPT = declare("prompt", "text", "6.text", title="Prompt", max_length=100)
STEPS = declare("steps", "integer", "3.steps", maximum=50)
STRENGTH = declare("strength", "number", "3.denoise", step=0.05)
SEED = declare("seed", "seed", "3.seed")
SAMPLER = declare("sampler", "choice", "3.sampler_name", choices=("euler", "heun"))
MODEL = declare("model", "model", "4.ckpt_name")
SIDE = declare("side", "integer", "5.width", "5.height", minimum=64, step=8, default=64)
ALL = (PROMPT, STEPS, STRENGTH, SEED, SAMPLER, MODEL, SIDE)
PICTURE_GRAPH = {
    "1": {"class_type": "LoadImage", "inputs": {"image": "example.png"}},
    "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}},
}


def test_what_is_left_out_comes_from_the_graph_and_the_nodes() -> None:
    resolved = {one.name: one for one in define(*ALL).inputs}

    assert (resolved["prompt"].default, resolved["prompt"].is_required) == ("a cat", False)
    assert (resolved["steps"].minimum, resolved["steps"].maximum) == (1, 50)
    assert (resolved["steps"].default, resolved["model"].default) == (2, CHECKPOINT)
    assert (resolved["seed"].default, resolved["seed"].is_required) == (None, False)
    assert (resolved["seed"].minimum, resolved["seed"].maximum) == (0, 2**32 - 1)
    assert (resolved["side"].minimum, resolved["side"].maximum) == (64, 16384)


def test_required_has_no_default() -> None:
    (prompt,) = define(declare("prompt", "text", "6.text", is_required=True)).inputs
    assert (prompt.default, prompt.is_required, prompt.max_length) == (None, True, 5000)


def test_picture_without_a_file_in_the_graph_is_required() -> None:
    (image,) = define(declare("photo", "image", "1.image"), graph=PICTURE_GRAPH).inputs
    assert image.is_required
    graph = deepcopy(PICTURE_GRAPH)
    graph["1"]["inputs"]["image"] = {"file_id": FILE}
    (image,) = define(declare("photo", "image", "1.image"), graph=graph).inputs
    assert (image.default, image.is_required) == (FILE, False)


@pytest.mark.parametrize(
    ("draft", "fault"),
    [
        (declare("a", "text", "66.text"), "/inputs/a/targets/0: the graph has no node '66'"),
        (declare("a", "text", "6.words"), "/inputs/a/targets/0: the node has no input 'words'"),
        (declare("a", "text", "6.clip"), "takes a link of 'CLIP', and no value"),
        (declare("a", "text", "6.text", "3.steps"), "/inputs/a/targets/1: the input is 'INT'"),
        (declare("a", "integer", "6.text"), "is 'STRING', which integer cannot fill"),
        (declare("a", "number", "3.steps"), "is 'INT', which number cannot fill"),
        (declare("a", "image", "6.text"), "takes no picture; declared is image"),
        (declare("a", "choice", "6.text"), "lists no choices; declare `choices`"),
        (declare("a/b", "text", "66.x"), "/inputs/a~1b/targets/0"),
        (declare("a", "integer", "3.steps", minimum=0), "nothing less than 1"),
        (declare("a", "integer", "3.steps", maximum=10**6), "nothing more than 10000"),
        (declare("a", "integer", "3.steps", maximum=1), "default: 2 is more than"),
        (declare("a", "integer", "3.steps", default=2.5), "default: needs a whole number"),
        (declare("a", "text", "6.text", default=5), "default: needs text, not 5"),
        (declare("a", "text", "6.text", max_length=3), "default: has 5 characters"),
        (declare("a", "model", "4.ckpt_name", default="none"), "'none' is not one of the choices"),
        (declare("a", "choice", "3.sampler_name", choices=("heun",)), "default: 'euler' is not"),
    ],
)
def test_declaration_that_cannot_be(draft: DeclaredInput, fault: str) -> None:
    (found,) = find_faults(draft)
    assert fault in found


def test_two_inputs_cannot_fill_one_place() -> None:
    _, (error,) = resolve_inputs(
        [PROMPT, declare("words", "text", "6.text")], make_text_graph(), CATALOGUES
    )
    assert error["pointer"] == "/inputs/words"
    assert "'prompt' fills 'text' of node '6' already" in error["detail"]


def test_without_a_server_only_nodes_are_looked_for() -> None:
    inputs, errors = resolve_inputs(ALL, make_text_graph(), [])
    assert not errors
    assert inputs[1].maximum == 50
    assert resolve_inputs([declare("a", "text", "66.text")], make_text_graph(), [])[1]


def test_schema_says_all() -> None:
    schema = make_schema(define(*ALL), CATALOGUES)

    jsonschema_rs.meta.validate(schema)
    assert schema["required"] == []
    assert schema["additionalProperties"] is False
    properties = schema["properties"]
    assert properties["prompt"] == {
        "title": "Prompt",
        "type": "string",
        "maxLength": 100,
        "x-input-type": "text",
        "default": "a cat",
    }
    assert properties["steps"]["maximum"] == 50
    assert properties["seed"]["type"] == ["integer", "null"]
    assert properties["seed"]["default"] is None
    assert properties["sampler"]["enum"] == ["euler", "heun"]
    assert properties["model"]["enum"] == [CHECKPOINT, "photo.ckpt"]
    assert properties["side"]["multipleOf"] == 8


def test_choices_left_to_the_servers_are_those_of_now() -> None:
    definition = define(MODEL)
    more = deepcopy(OBJECT_INFO)
    more["CheckpointLoaderSimple"]["input"]["required"]["ckpt_name"] = [["new.safetensors"]]
    schema = make_schema(definition, [*CATALOGUES, parse_catalogue(more)])
    assert schema["properties"]["model"]["enum"] == [CHECKPOINT, "photo.ckpt", "new.safetensors"]
    assert "enum" not in make_schema(definition, [])["properties"]["model"]


def test_definition_survives_storage() -> None:
    definition = define(*ALL)
    assert parse_definition(describe_definition(definition)) == definition


def test_inputs_go_to_their_places() -> None:
    definition = define(*ALL)

    values = read_inputs(definition, {"side": 128, "prompt": "a dog", "seed": 7}, CATALOGUES)
    graph = fill_graph(definition, values, has_files=True)

    assert graph["5"]["inputs"] == {"width": 128, "height": 128, "batch_size": 1}
    assert graph["6"]["inputs"]["text"] == "a dog"
    assert graph["3"]["inputs"]["seed"] == 7
    assert definition.graph["6"]["inputs"]["text"] == "a cat"
    assert not find_errors(graph, CATALOGUE, POLICY)


def test_seed_is_drawn_when_left_out_or_null() -> None:
    definition = define(declare("seed", "seed", "3.seed", minimum=5, maximum=10**9))
    drawn = [read_inputs(definition, one, CATALOGUES)["seed"] for one in ({}, {"seed": None})]
    assert all(isinstance(seed, int) and 5 <= seed <= 10**9 for seed in drawn)
    assert drawn[0] != drawn[1]


def test_model_may_be_named_without_its_ending() -> None:
    values = read_inputs(define(MODEL), {"model": "photo"}, CATALOGUES)
    assert values == {"model": "photo.ckpt"}


@pytest.mark.parametrize(
    ("given", "pointer", "detail"),
    [
        ({"prompt": 5}, "/inputs/prompt", "needs text, not 5"),
        ({"prompt": None}, "/inputs/prompt", "needs text, not null"),
        ({"prompt": "x" * 101}, "/inputs/prompt", "101 characters"),
        ({"prompt": "\x00"}, "/inputs/prompt", "NUL"),
        ({"steps": "5"}, "/inputs/steps", "needs a whole number, not text"),
        ({"steps": True}, "/inputs/steps", "needs a whole number"),
        ({"steps": 51}, "/inputs/steps", "more than the largest allowed, 50"),
        ({"steps": [1]}, "/inputs/steps", "a list"),
        ({"strength": 0.52}, "/inputs/strength", "divisible by 0.05"),
        ({"side": 100}, "/inputs/side", "divisible by 8"),
        ({"seed": -1}, "/inputs/seed", "less than"),
        ({"sampler": "dpmpp_2m"}, "/inputs/sampler", "not one of the choices"),
        ({"colour": 1}, "/inputs/colour", "there is no input 'colour'"),
    ],
)
def test_wrong_inputs_are_pointed_at(given: dict[str, Any], pointer: str, detail: str) -> None:
    with pytest.raises(InvalidInputs) as caught:
        read_inputs(define(*ALL), given, CATALOGUES)
    (error,) = caught.value.errors
    assert error["pointer"] == pointer
    assert detail in error["detail"]


def test_missing_input_and_every_other_fault_at_once() -> None:
    definition = define(declare("prompt", "text", "6.text", is_required=True), STEPS, SEED)
    with pytest.raises(InvalidInputs) as caught:
        read_inputs(definition, {"steps": 0, "seed": "x"}, CATALOGUES)
    assert [one["pointer"] for one in caught.value.errors] == [
        "/inputs/prompt",
        "/inputs/steps",
        "/inputs/seed",
    ]


def test_decimal_steps_are_counted_as_people_count() -> None:
    for value in (0.05, 0.15, 0.3, 0.55, 1):
        read_inputs(define(STRENGTH), {"strength": value}, CATALOGUES)


@pytest.mark.parametrize("drafts", [ALL, (declare("p", "text", "6.text", is_required=True),)])
def test_sample_passes_the_check(drafts: tuple[DeclaredInput, ...]) -> None:
    definition = define(*drafts)
    graph = fill_graph(definition, make_sample(definition, CATALOGUES), has_files=False)
    assert not find_errors(graph, CATALOGUE, POLICY)


def test_pictures_are_filled_as_files() -> None:
    definition = define(declare("photo", "image", "1.image"), graph=PICTURE_GRAPH)
    graph = fill_graph(definition, {"photo": FILE}, has_files=True)
    assert graph["1"]["inputs"]["image"] == {"file_id": FILE}
    sample = fill_graph(definition, make_sample(definition, CATALOGUES), has_files=False)
    assert not find_errors(sample, CATALOGUE, POLICY)


def test_faults_of_the_graph_become_faults_of_the_inputs() -> None:
    definition = define(MODEL)
    graph = make_text_graph(_4={"ckpt_name": "gone"}, _3={"sampler_name": "gone"})
    errors = point_at_inputs(definition, find_errors(graph, CATALOGUE, POLICY))
    pointers = {error["pointer"]: error["detail"] for error in errors}
    assert set(pointers) == {"/inputs/model", ""}
    assert pointers[""].startswith("3/inputs/sampler_name: 'gone' is not one")


_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-100, 200),
    st.floats(-2, 2),
    st.sampled_from(["euler", "heun", "", "a dog", CHECKPOINT, "photo", "5"]),
    st.just([]),
)


@UNHURRIED
@given(st.dictionaries(st.sampled_from([*(one.name for one in ALL), "other"]), _VALUES))
def test_what_the_schema_lets_pass_a_run_takes(given: dict[str, Any]) -> None:
    definition = define(PROMPT, STEPS, SEED, SAMPLER, MODEL, SIDE)
    schema = make_schema(definition, CATALOGUES)
    is_valid = jsonschema_rs.is_valid(schema, given)
    try:
        values = read_inputs(definition, given, CATALOGUES)
    except InvalidInputs:
        assert not is_valid
    else:
        # A model's name without its ending is taken besides.
        assert is_valid or given.get("model") == "photo"
        graph = fill_graph(definition, values, has_files=True)
        assert not find_errors(graph, CATALOGUE, POLICY)


def test_a_choice_of_numbers() -> None:
    graph = make_image_graph()
    definition = define(
        declare("side", "choice", "1.width", choices=(64, 128), default=64), graph=graph
    )
    assert read_inputs(definition, {"side": 128}, CATALOGUES) == {"side": 128}
    with pytest.raises(InvalidInputs):
        read_inputs(definition, {"side": 96}, CATALOGUES)
