"""What is refused, where the error points, and what is let through tidied."""

from typing import Any

import pytest

from comfyhoused.core.workflows.catalogue import Catalogue, parse_catalogue
from comfyhoused.core.workflows.limits import WorkflowLimits
from comfyhoused.core.workflows.validation import (
    InvalidWorkflow,
    check_graph,
    check_graph_on_any,
    find_errors,
)
from tests.workflow_cases import (
    CATALOGUE,
    CHECKPOINT,
    OBJECT_INFO,
    POLICY,
    make_image_graph,
    make_text_graph,
)

SAVE = {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}}
STRAY = {"class_type": "EmptyImage"}


def list_pointers(graph: object) -> list[str]:
    return [error["pointer"] for error in find_errors(graph, CATALOGUE, POLICY)]


@pytest.mark.parametrize(
    ("changes", "places"),
    [
        ({"_6": {"text": None}, "_3": {"cfg": None}}, ["3/inputs/cfg", "6/inputs/text"]),
        ({"_3": {"steps": 10001}}, ["3/inputs/steps"]),
        ({"_5": {"width": 1}, "_3": {"denoise": -0.5}}, ["3/inputs/denoise", "5/inputs/width"]),
        ({"_4": {"ckpt_name": "missing.safetensors"}}, ["4/inputs/ckpt_name"]),
        ({"_3": {"sampler_name": "nosuch"}}, ["3/inputs/sampler_name"]),
        ({"_8": {"samples": ["4", 0]}}, ["8/inputs/samples"]),
        ({"_8": {"samples": ["77", 0]}}, ["8/inputs/samples"]),
        ({"_8": {"samples": ["3", 5]}}, ["8/inputs/samples"]),
        ({"_8": {"samples": ["3", -1]}}, ["8/inputs/samples"]),
        ({"_8": {"samples": ["3", True]}}, ["8/inputs/samples"]),
        ({"_6": {"clip": ["4", True]}}, ["6/inputs/clip"]),
        ({"_8": {"samples": ["3", 0.0]}}, ["8/inputs/samples"]),
        ({"_8": {"samples": ["3"]}}, ["8/inputs/samples"]),
        ({"_8": {"samples": [3, 0]}}, ["8/inputs/samples"]),
        ({"_8": {"samples": [["3", 0], 0]}}, ["8/inputs/samples"]),
        ({"_8": {"samples": 5}}, ["8/inputs/samples"]),
        ({"_8": {"samples": {"a": 1}}}, ["8/inputs/samples"]),
        ({"_6": {"text": ["nowhere"]}}, ["6/inputs/text"]),
        ({"_6": {"text": {"__value__": "a"}}}, ["6/inputs/text"]),
        ({"_3": {"steps": "many"}}, ["3/inputs/steps"]),
        ({"_5": {"batch_size": 5000}}, ["5/inputs/batch_size"]),
        ({"_3": {"seed": -1}}, ["3/inputs/seed"]),
        ({"_3": {"seed": 2**64}}, ["3/inputs/seed"]),
        ({"_3": {"seed": 10**5000}}, ["3/inputs/seed"]),
        ({"_3": {"cfg": float("nan")}}, ["3/inputs/cfg"]),
        ({"_3": {"cfg": float("inf")}}, ["3/inputs/cfg"]),
        ({"_9": {"filename_prefix": "a\x00b"}}, ["9/inputs/filename_prefix"]),
        ({"_6": {"text": "half a \ud800 letter"}}, ["6/inputs/text"]),
        ({"_6": {"text": "x" * 100_001}}, ["6/inputs/text"]),
        ({"_3": {"unheard_of": ["4", 0]}}, ["3/inputs/unheard_of"]),
        ({"_5": {"width": 16384, "height": 16384, "batch_size": 64}}, ["5/inputs"]),
    ],
)
def test_a_wrong_input_is_refused_where_it_is(changes: dict[str, Any], places: list[str]) -> None:
    pointers = list_pointers(make_text_graph(**changes))
    assert sorted(pointers) == [f"/workflow/{place}" for place in places]


@pytest.mark.parametrize(
    ("graph", "pointer"),
    [
        (None, "/workflow"),
        ([1, 2], "/workflow"),
        ("text", "/workflow"),
        ({}, "/workflow"),
        ({"1": "SaveImage"}, "/workflow/1"),
        ({"1": {"inputs": {}}, "2": SAVE}, "/workflow/1/class_type"),
        ({"1": {"class_type": 5, "inputs": {}}, "2": SAVE}, "/workflow/1/class_type"),
        ({"1": {"class_type": "SaveImage"}}, "/workflow/1/inputs"),
        (make_image_graph(_3=STRAY), "/workflow/3/inputs"),
        (make_image_graph(_3={**STRAY, "inputs": []}), "/workflow/3/inputs"),
        (make_image_graph(_3={**STRAY, "inputs": None}), "/workflow/3/inputs"),
        (make_image_graph(_3={"class_type": "NoSuch", "inputs": {}}), "/workflow/3/class_type"),
        ({"1": make_image_graph()["1"]}, "/workflow"),
        ({"x" * 65: SAVE}, f"/workflow/{'x' * 65}"),
        ({"a/b~c": SAVE}, "/workflow/a~1b~0c"),
        ({"a\n": SAVE}, "/workflow/a\ufffd"),
        (make_image_graph(_3={**STRAY, "inputs": {"a\x00": 1}}), "/workflow/3/inputs"),
    ],
)
def test_what_is_no_graph_is_refused(graph: object, pointer: str) -> None:
    assert list_pointers(graph) == [pointer]


def test_an_unknown_class_comes_with_close_ones() -> None:
    graph = make_image_graph()
    graph["2"]["class_type"] = "SaveImge"
    [error] = find_errors(graph, CATALOGUE, POLICY)
    assert error["allowed"][0] == "SaveImage"
    assert (error["node_id"], error["class_type"]) == ("2", "SaveImge")


def test_close_classes_are_only_those_that_may_be_used() -> None:
    graph = make_image_graph(_3={"class_type": "SaveLatents", "inputs": {}})
    assert "SaveLatent" not in find_errors(graph, CATALOGUE, POLICY)[0].get("allowed", [])


def test_choices_are_listed_up_to_fifty() -> None:
    [error] = find_errors(make_text_graph(_3={"sampler_name": "no"}), CATALOGUE, POLICY)
    assert len(error["allowed"]) == 50
    assert "13 more" in error["detail"]


def test_no_choice_at_all_is_said() -> None:
    more = {"class_type": "UpscaleModelLoader", "inputs": {"model_name": "4x.pth"}}
    graph = make_image_graph(_3=more)
    graph["2"]["inputs"]["images"] = ["3", 0]
    details = [error["detail"] for error in find_errors(graph, CATALOGUE, POLICY)]
    assert "this server has nothing to choose from here" in details


@pytest.mark.parametrize(
    ("graph", "words"),
    [
        ({"nodes": [], "links": [], "version": 0.4}, "Export (API)"),
        ({"prompt": make_image_graph()}, '"prompt"'),
    ],
)
def test_other_formats_of_comfyui_are_recognised(graph: object, words: str) -> None:
    [error] = find_errors(graph, CATALOGUE, POLICY)
    assert words in error["detail"]


def test_a_node_may_be_called_prompt_or_nodes() -> None:
    graph = make_image_graph()
    renamed = {"prompt": graph["1"], "nodes": graph["2"]}
    renamed["nodes"]["inputs"]["images"] = ["prompt", 0]
    assert list_pointers(renamed) == []


def test_all_errors_come_at_once_up_to_a_limit() -> None:
    nodes = {str(number): {"class_type": f"No{number}", "inputs": {}} for number in range(80)}
    assert len(find_errors(nodes, CATALOGUE, POLICY)) == 50
    with pytest.raises(InvalidWorkflow) as caught:
        check_graph(nodes, CATALOGUE, POLICY)
    assert (caught.value.status, caught.value.code) == (422, "invalid_workflow")
    assert len(caught.value.errors) == 50
    assert caught.value.detail.startswith("/workflow/0/class_type: ")


@pytest.mark.parametrize(
    "limits",
    [
        WorkflowLimits(max_nodes=6),
        WorkflowLimits(max_chain=4),
        WorkflowLimits(max_total_characters=9),
    ],
)
def test_too_much_is_refused(limits: WorkflowLimits) -> None:
    assert find_errors(make_text_graph(), CATALOGUE, POLICY) == []
    [error] = find_errors(make_text_graph(), CATALOGUE, POLICY, limits=limits)
    assert error["pointer"] == "/workflow"


def test_the_root_of_pointers_can_be_chosen() -> None:
    [error] = find_errors(make_text_graph(_3={"steps": 0}), CATALOGUE, POLICY, root="")
    assert error["pointer"] == "/3/inputs/steps"


def test_numbers_written_as_text_become_numbers() -> None:
    changes = {"_5": {"width": "64", "height": 64.0}, "_3": {"cfg": " 7.5", "steps": "+2"}}
    graph = check_graph(make_text_graph(**changes), CATALOGUE, POLICY).graph
    assert graph["5"]["inputs"]["width"] == 64
    assert type(graph["5"]["inputs"]["height"]) is int
    assert (graph["3"]["inputs"]["cfg"], graph["3"]["inputs"]["steps"]) == (7.5, 2)


def test_strays_are_dropped() -> None:
    graph = make_image_graph(
        _3={"class_type": "EmptyImage", "inputs": {"width": "not even checked"}},
        _4={"class_type": "ImageInvert", "inputs": {"image": ["3", 0]}},
    )
    graph["1"]["_meta"] = {"title": "T"}
    graph["1"]["inputs"]["bogus"] = "ComfyUI ignores it"
    tidy = check_graph(graph, CATALOGUE, POLICY).graph
    assert list(tidy) == ["1", "2"]
    assert tidy["1"] == make_image_graph()["1"]


def test_a_stray_node_still_needs_a_sound_link() -> None:
    stray = {"class_type": "ImageInvert", "inputs": {"image": ["404", 0]}}
    assert list_pointers(make_image_graph(_3=stray)) == ["/workflow/3/inputs/image"]


def test_a_checked_graph_stays_as_it_is() -> None:
    once = check_graph(make_text_graph(), CATALOGUE, POLICY)
    assert check_graph(once.graph, CATALOGUE, POLICY) == once


def test_one_server_of_the_fleet_is_enough() -> None:
    poor = parse_catalogue({**OBJECT_INFO, "CheckpointLoaderSimple": OBJECT_INFO["SolidMask"]})
    empty = Catalogue({})
    graph = make_text_graph(_4={"ckpt_name": CHECKPOINT})
    assert check_graph_on_any(graph, [empty, poor, CATALOGUE], POLICY).graph.keys() == graph.keys()


def test_the_errors_of_the_closest_server_are_told() -> None:
    graph = make_text_graph(_3={"steps": 0})
    with pytest.raises(InvalidWorkflow) as caught:
        check_graph_on_any(graph, [Catalogue({}), CATALOGUE], POLICY)
    assert [error["pointer"] for error in caught.value.errors] == ["/workflow/3/inputs/steps"]


def test_no_server_at_all_runs_nothing() -> None:
    with pytest.raises(InvalidWorkflow):
        check_graph_on_any(make_text_graph(), [], POLICY)
