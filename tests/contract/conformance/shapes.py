"""The shape of a JSON value: keys and types, and the few values that a client branches on.

A shape is JSON itself, so that cases can keep it: "null", "boolean", "number", "string",
"strings" (a list of any number of strings), "=..." for a value that must be the same, a list for a
list, an object for an object. Keys that are UUIDs are masked.
"""

import re
from collections.abc import Iterator
from typing import Any

Shape = Any

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SAME = {
    *("type", "message", "details", "input_name", "class_type", "node_type", "dependent_outputs"),
    *("status_str", "completed", "messages", "nodes", "node", "display_node", "node_id"),
    *("parent_node_id", "real_node_id", "animated", "queue_remaining", "subfolder"),
}
"""Keys whose values must be the same, not only of the same type."""
_ANY_LENGTH = {"traceback", "executed", "current_outputs", "argv"}
"""Lists of strings whose length says nothing."""


def shape_of(value: Any, key: str = "") -> Shape:
    """Return the shape of a decoded JSON value found under `key`."""
    if isinstance(value, dict):
        return {_mask(name): shape_of(item, name) for name, item in value.items()}
    if isinstance(value, list):
        if key in _ANY_LENGTH or (key not in _SAME and value and _are_strings(value)):
            return "strings"
        return [shape_of(item, key) for item in value]
    if key in _SAME:
        return f"={value}"
    return _type_of(value)


def _type_of(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else "string"


def _mask(name: str) -> str:
    return "<id>" if _UUID.fullmatch(name) else name


def _are_strings(values: list[Any]) -> bool:
    return all(isinstance(value, str) for value in values)


def list_differences(expected: Shape, actual: Shape, path: str = "") -> list[str]:
    """Return where two shapes differ, one sentence per place."""
    return list(_differences(expected, actual, path or "/"))


def _differences(expected: Shape, actual: Shape, path: str) -> Iterator[str]:
    if isinstance(expected, dict) and isinstance(actual, dict):
        for name in sorted(expected.keys() | actual.keys()):
            if name not in actual:
                yield f"{path}: key {name!r} is missing"
            elif name not in expected:
                yield f"{path}: key {name!r} is too much"
            else:
                yield from _differences(expected[name], actual[name], f"{path}{name}/")
    elif isinstance(expected, list) and isinstance(actual, list):
        if len(expected) != len(actual):
            yield f"{path}: {len(expected)} elements expected, got {len(actual)}"
        for index, (wanted, got) in enumerate(zip(expected, actual, strict=False)):
            yield from _differences(wanted, got, f"{path}{index}/")
    elif expected != actual:
        yield f"{path}: expected {expected!r}, got {actual!r}"
