"""A JSON Schema in words: `whole number 64 to 2048 in steps of 8, else 512`."""

from typing import Any

_WORDS = {
    "integer": "whole number",
    "number": "number",
    "string": "text",
    "boolean": "true or false",
    "object": "object",
    "array": "list",
    "null": "null",
}
_FORMATS = {"date-time": "instant (ISO 8601)", "binary": "bytes"}


def describe_type(schema: dict[str, Any]) -> str:
    """Return what a value may be, in a phrase."""
    words = _name_kind(schema) + _describe_range(schema)
    if schema.get("default") is not None and schema["default"] not in ({}, [], ""):
        words += f", else {schema['default']}"
    return words


def _name_kind(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    choices = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
    if choices:
        return "one of " + ", ".join(str(choice) for choice in choices)
    parts = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
    if parts:
        return " or ".join(_name_kind(part) + _describe_range(part) for part in parts)
    if schema.get("type") == "array":
        return f"list of {_name_kind(schema.get('items', {}))}"
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    return _WORDS.get(schema.get("type", ""), "anything")


def _describe_range(schema: dict[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    words = ""
    if low is not None and high is not None:
        words = f" {_write(low)} to {_write(high)}"
    elif low is not None:
        words = f" from {_write(low)}"
    if "multipleOf" in schema:
        words += f" in steps of {_write(schema['multipleOf'])}"
    if "maxLength" in schema:
        words += f" up to {schema['maxLength']} characters"
    return words


def _write(number: float) -> str:
    return f"{number:g}" if abs(number) < 1e6 else f"{number:.0f}"
