"""What a real ComfyUI 0.3.64 does with a graph, as recorded: the judge our validation is tried by.

Written from the recordings alone and checked against them; knows nothing of our validation.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

_CONVERSIONS = {"INT": int, "FLOAT": float, "STRING": str, "BOOLEAN": bool}

Fault = tuple[str, str | None]
"""Node id, input name."""


def kills_the_server(graph: Any) -> bool:
    """Tell whether the queue's worker dies of the graph (README 7): any node without an object
    of inputs, reached or not.
    """
    return any(not isinstance(node.get("inputs"), dict) for node in graph.values())


def list_refusals(graph: Any, object_info: Mapping[str, Any]) -> set[Fault]:
    """Return what POST /prompt complains about (http/300-341, README 3 and 6)."""
    if not isinstance(graph, dict):
        return {("", None)}
    for node_id, node in graph.items():
        if not isinstance(node, dict) or node.get("class_type") not in object_info:
            return {(node_id, None)}
    outputs = [key for key, node in graph.items() if object_info[node["class_type"]]["output_node"]]
    if not outputs:
        return {("", None)}
    found: set[Fault] = set()
    waiting, seen = outputs, set[str]()
    while waiting:
        node_id = waiting.pop()
        if node_id not in seen:
            seen.add(node_id)
            found.update(_check_node(node_id, graph, object_info))
            inputs = graph[node_id].get("inputs")
            for value in inputs.values() if isinstance(inputs, dict) else ():
                if isinstance(value, list) and value and value[0] in graph:
                    waiting.append(value[0])
    return found | ({("", None)} if _has_circle(graph, seen) else set())


def _check_node(node_id: str, graph: Any, object_info: Mapping[str, Any]) -> Iterator[Fault]:
    node = graph[node_id]
    if not isinstance(node.get("inputs"), dict):
        yield node_id, None
        return
    declared = object_info[node["class_type"]]["input"]
    for section in ("required", "optional"):
        for name, spec in declared.get(section, {}).items():
            if name not in node["inputs"]:
                if section == "required":
                    yield node_id, name
            elif not _is_accepted(spec, node["inputs"][name], graph, object_info):
                yield node_id, name


def _is_accepted(spec: Any, value: Any, graph: Any, object_info: Mapping[str, Any]) -> bool:
    kind, options = spec[0], spec[1] if len(spec) > 1 else {}
    if isinstance(value, list):
        return _is_good_link(kind, value, graph, object_info)
    if options.get("image_upload"):
        return isinstance(value, str)  # any path is looked up (339-341)
    choices = kind if isinstance(kind, list) else options.get("options")
    try:
        value = (
            _CONVERSIONS[kind](value) if kind in ("INT", "FLOAT", "STRING", "BOOLEAN") else value
        )
    except (ValueError, TypeError, OverflowError):
        return False
    if "min" in options and value < options["min"]:
        return False
    if "max" in options and value > options["max"]:
        return False
    return choices is None or value in choices


def _is_good_link(kind: Any, link: list[Any], graph: Any, object_info: Mapping[str, Any]) -> bool:
    if len(link) != 2 or not isinstance(link[0], str) or link[0] not in graph:
        return False
    outputs = object_info[graph[link[0]]["class_type"]]["output"]
    try:
        given = outputs[link[1]]
    except (IndexError, TypeError):
        return False
    return bool(given == kind or "*" in (given, kind))


def _has_circle(graph: Any, nodes: set[str]) -> bool:
    done: set[str] = set()
    while True:
        ready = {key for key in nodes - done if _feeders(graph[key]) & nodes <= done}
        if not ready:
            return done != nodes
        done |= ready


def _feeders(node: Any) -> set[str]:
    inputs = node.get("inputs")
    values = inputs.values() if isinstance(inputs, dict) else ()
    return {
        value[0] for value in values if isinstance(value, list) and value and type(value[0]) is str
    }


def fails_at_run_time(graph: Any, object_info: Mapping[str, Any]) -> bool:
    """Tell whether it is accepted and then fails: a scalar for a link (312), NaN (334), a NUL or
    half a character in text (x6, x8), a link of an unknown name.
    """
    for node in graph.values():
        declared = object_info[node["class_type"]]["input"]
        specs = {**declared.get("required", {}), **declared.get("optional", {})}
        for name, value in node["inputs"].items():
            kind = specs[name][0] if name in specs else None
            is_scalar_kind = isinstance(kind, list) or kind in (*_CONVERSIONS, "COMBO", None)
            if isinstance(value, list) != (not is_scalar_kind) and not isinstance(value, list):
                return True
            if isinstance(value, list) and kind is None:
                return True
            if isinstance(value, float) and not math.isfinite(value):
                return True
            if isinstance(value, str) and (
                "\x00" in value or (not value.isprintable() and _is_half(value))
            ):
                return True
    return False


def _is_half(text: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in text)
