"""Links: circles, depth, types."""

from typing import Any

import pytest

from comfyhoused.core.workflows.policy import NodePolicy
from comfyhoused.core.workflows.validation import find_errors
from comfyhoused.core.workflows.wiring import list_circle, list_reached, measure_depths
from tests.workflow_cases import CATALOGUE, POLICY, STRANGERS, make_image_graph

WIDE = NodePolicy(allowed=POLICY.allowed | STRANGERS)


def invert(source: str) -> dict[str, Any]:
    return {"class_type": "ImageInvert", "inputs": {"image": [source, 0]}}


def test_a_circle_is_named_in_order() -> None:
    graph = make_image_graph(_3=invert("4"), _4=invert("5"), _5=invert("3"))
    graph["2"]["inputs"]["images"] = ["3", 0]
    [error] = find_errors(graph, CATALOGUE, POLICY)
    assert error["detail"] == "the links run in a circle: '3' → '4' → '5'"


def test_a_circle_that_no_output_needs_is_refused_too() -> None:
    errors = find_errors(make_image_graph(_3=invert("3")), CATALOGUE, POLICY)
    assert [error["pointer"] for error in errors] == ["/workflow/3"]


def test_the_circle_is_found_behind_what_it_feeds() -> None:
    assert set(list_circle({"a": ("b",), "b": ("c",), "c": ("d",), "d": ("c",)})) == {"c", "d"}
    assert list_circle({"a": ("b",), "b": (), "c": ("a", "b")}) == []


def test_depth_is_the_longest_chain() -> None:
    depths = measure_depths({"a": (), "b": ("a",), "c": ("a", "b"), "d": ()})
    assert depths == {"a": 1, "b": 2, "c": 3, "d": 1}


def test_a_long_chain_is_measured_without_recursion() -> None:
    sources = {str(number): (str(number - 1),) if number else () for number in range(20_000)}
    assert measure_depths(sources)["19999"] == 20_000


def test_reached_are_the_outputs_and_what_they_need() -> None:
    sources = {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "a")}
    assert list_reached(["d"], sources) == {"a", "b", "d"}


INTEGER = {"class_type": "PrimitiveInt", "inputs": {"value": 8}}
FLOAT = {"class_type": "PrimitiveFloat", "inputs": {"value": 8}}
STRING = {"class_type": "PrimitiveString", "inputs": {"value": "x"}}
MASK = {"class_type": "SolidMask", "inputs": {"value": 1}}
ANYTHING = {"class_type": "StrangersAnything", "inputs": {"source": ["1", 0]}}
CHOICE = {"class_type": "StrangersChoice", "inputs": {"level": 1}}


@pytest.mark.parametrize(
    ("source", "target", "name", "is_good"),
    [
        (INTEGER, "ImageScale", "width", True),
        (FLOAT, "ImageScale", "width", False),
        (STRING, "ImageScale", "crop", False),
        (MASK, "ImageScale", "image", False),
        (ANYTHING, "ImageScale", "image", True),
        (ANYTHING, "ImageScale", "crop", False),
        (CHOICE, "ImageScale", "crop", True),
        (CHOICE, "LoadImage", "image", False),
    ],
)
def test_a_link_carries_the_type_that_is_needed(
    source: dict[str, Any], target: str, name: str, is_good: bool
) -> None:
    inputs = {
        "image": ["1", 0],
        "upscale_method": "area",
        "width": 8,
        "height": 8,
        "crop": "center",
    }
    known = {key: value for key, value in inputs.items() if key in CATALOGUE.classes[target].inputs}
    target_node = {"class_type": target, "inputs": {**known, name: ["3", 0]}}
    graph = make_image_graph(_3=source, _4=target_node)
    graph["2"]["inputs"]["images"] = ["4", 0]
    pointers = [error["pointer"] for error in find_errors(graph, CATALOGUE, WIDE)]
    assert pointers == ([] if is_good else [f"/workflow/4/inputs/{name}"])
