"""Calling a node's function: fan out over lists, collect outputs and what the UI shall see.

Every input is a list of values. Nodes that declare INPUT_IS_LIST get the lists, all others are
called once per element, the shorter lists repeating their last value. Source: the behaviour of
ComfyUI 0.3.64, which our node pack must meet there too.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

InputLists = dict[str, list[Any]]


@dataclass(frozen=True)
class NodeResult:
    """What one node produced: per output a list of values, and its part of the history."""

    outputs: list[list[Any]]
    ui: dict[str, list[Any]] = field(default_factory=dict)


def fan_out(
    function: Callable[..., Any],
    inputs: InputLists,
    *,
    takes_lists: bool,
    before_each: Callable[[], None],
) -> list[Any]:
    """Call `function` for each set of inputs and return the raw results."""
    if takes_lists:
        before_each()
        return [function(**inputs)]
    count = max((len(values) for values in inputs.values()), default=1)
    results = []
    for index in range(count):
        before_each()
        results.append(function(**_slice(inputs, index)))
    return results


def _slice(inputs: InputLists, index: int) -> dict[str, Any]:
    return {name: values[min(index, len(values) - 1)] for name, values in inputs.items()}


def collect(node_class: type, results: Sequence[Any]) -> NodeResult:
    """Merge the raw results of `fan_out`: tuples, or {"ui": ..., "result": ...}."""
    tuples = [_outputs_of(result) for result in results]
    shows = [result["ui"] for result in results if isinstance(result, dict) and "ui" in result]
    return NodeResult(_merge_outputs(node_class, tuples), _merge_shows(shows))


def _outputs_of(result: Any) -> Sequence[Any]:
    if isinstance(result, dict):
        result = result.get("result", ())
    return () if result is None else result


def _merge_outputs(node_class: type, tuples: Sequence[Sequence[Any]]) -> list[list[Any]]:
    types = getattr(node_class, "RETURN_TYPES", ())
    is_list = getattr(node_class, "OUTPUT_IS_LIST", (False,) * len(types))
    merged: list[list[Any]] = []
    for index, spread in enumerate(is_list):
        values = [outputs[index] for outputs in tuples if len(outputs) > index]
        merged.append([item for value in values for item in value] if spread else values)
    return merged


def _merge_shows(shows: Sequence[Mapping[str, Sequence[Any]]]) -> dict[str, list[Any]]:
    if not shows:
        return {}
    return {key: [item for show in shows for item in show[key]] for key in shows[0]}
