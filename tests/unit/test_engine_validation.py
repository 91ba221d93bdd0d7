"""What the engine checks before it queues a prompt, and what it does not."""

from typing import Any

import pytest

from comfyhouse_engine.execution.graph import Graph
from comfyhouse_engine.execution.validation import Validation, validate_prompt
from tests.unit.engine_graphs import CLASSES, node


def check(graph: Graph, targets: list[str] | None = None) -> Validation:
    return validate_prompt(graph, CLASSES, targets)


def error_types(graph: Graph) -> dict[str, list[str]]:
    errors = check(graph).node_errors
    return {
        name: [problem["type"] for problem in entry["errors"]] for name, entry in errors.items()
    }


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({"n": 3}, []),
        ({"n": "3", "f": "1.5", "s": 5, "b": 0, "c": "a", "d": "y"}, []),
        ({}, ["required_input_missing"]),
        ({"n": 10}, ["value_bigger_than_max"]),
        ({"n": -1}, ["value_smaller_than_min"]),
        ({"n": "x"}, ["invalid_input_type"]),
        ({"n": None}, ["invalid_input_type"]),
        ({"n": 1, "c": "z"}, ["value_not_in_list"]),
        ({"n": 1, "d": "z"}, ["value_not_in_list"]),
        ({"n": [1]}, ["bad_linked_input"]),
        ({"n": 1, "unknown": object()}, []),
    ],
)
def test_constants_are_checked(inputs: dict[str, Any], expected: list[str]) -> None:
    graph = {"1": node("Source", **inputs), "2": node("Sink", value=["1", 0])}
    assert error_types(graph) == ({"1": expected} if expected else {})


def test_constants_are_converted_in_place() -> None:
    inputs = {"n": 3.7, "f": "2", "s": 5, "b": 1}
    graph = {"1": node("Source", **inputs), "2": node("Sink", value=["1", 0])}
    assert check(graph) == Validation(["2"], None, {})
    assert graph["1"]["inputs"] == {"n": 3, "f": 2.0, "s": "5", "b": True}


def test_a_wrapped_value_is_unwrapped() -> None:
    graph = {"1": node("Source", n={"__value__": 4}), "2": node("Sink", value=["1", 0])}
    assert check(graph).outputs == ["2"]
    assert graph["1"]["inputs"] == {"n": 4}


def test_own_validation_replaces_the_bounds() -> None:
    def graph(n: int) -> Graph:
        return {"1": node("Picky", n=n), "2": node("Sink", value=["1", 0])}

    assert error_types(graph(99)) == {}
    assert error_types(graph(7)) == {"1": ["custom_validation_failed"]}
    assert check(graph(7)).node_errors["1"]["errors"][0]["details"] == "n - seven"


def test_links_must_fit_in_type() -> None:
    graph = {
        "1": node("Source", n=1),
        "2": node("Middle", value=["1", 1]),
        "3": node("Source", n=["2", 0]),
        "4": node("Sink", value=["3", 0]),
    }
    assert error_types(graph) == {"3": ["return_type_mismatch"]}
    del graph["3"]["inputs"]["n"]
    graph["4"]["inputs"]["value"] = ["2", 0]
    assert check(graph).outputs == ["4"]


def test_a_cycle_is_refused_without_any_reason() -> None:
    graph = {
        "1": node("Middle", value=["2", 0]),
        "2": node("Middle", value=["1", 0]),
        "3": node("Sink", value=["1", 0]),
    }
    found = check(graph)
    assert (found.outputs, found.node_errors) == ([], {})
    assert found.error is not None
    assert found.error["type"] == "prompt_outputs_failed_validation"


def test_one_valid_output_is_enough_and_shared_faults_name_all_outputs() -> None:
    graph = {
        "1": node("Source", n=1),
        "2": node("Sink", value=["1", 0]),
        "8": node("Source"),
        "3": node("Sink", value=["8", 0]),
        "4": node("Sink", value=["8", 0]),
    }
    found = check(graph)
    assert (found.outputs, found.error) == (["2"], None)
    assert found.node_errors["8"]["dependent_outputs"] == ["3", "4"]
    assert check(graph, targets=["3"]).outputs == []
    assert check(graph, targets=["2"]).node_errors == {}


@pytest.mark.parametrize("graph", [None, [1, 2], 5, {"1": None}, {"1": {"class_type": {}}}])
def test_what_is_no_graph_raises(graph: Any) -> None:
    with pytest.raises(TypeError):
        check(graph)
