"""Checks and converts the constants of a node, and the types of its links."""

from typing import Any

from comfyhouse_engine.execution.graph import InputSpec
from comfyhouse_engine.execution.own_validation import OwnValidation
from comfyhouse_engine.execution.problems import (
    Problem,
    input_problem,
    not_convertible,
    not_in_list,
)

_CONVERSIONS = {"INT": int, "FLOAT": float, "STRING": str, "BOOLEAN": bool}


def check_scalar(spec: InputSpec, inputs: dict[str, Any], own: OwnValidation) -> list[Problem]:
    """Convert the value in place and check it against its declaration."""
    value = inputs[spec.name]
    if isinstance(value, dict) and "__value__" in value:
        value = inputs[spec.name] = value["__value__"]
    convert = _CONVERSIONS.get(spec.kind) if isinstance(spec.kind, str) else None
    try:
        value = inputs[spec.name] = convert(value) if convert else value
    except (TypeError, ValueError, OverflowError) as error:
        return [not_convertible(spec, value, error)]
    return [] if own.covers(spec.name) else _check_bounds(spec, value)


def _check_bounds(spec: InputSpec, value: Any) -> list[Problem]:
    if "min" in spec.options and value < spec.options["min"]:
        message = f"Value {value} smaller than min of {spec.options['min']}"
        kind = "value_smaller_than_min"
        return [input_problem(kind, message, spec.name, spec, received_value=value)]
    if "max" in spec.options and value > spec.options["max"]:
        message = f"Value {value} bigger than max of {spec.options['max']}"
        kind = "value_bigger_than_max"
        return [input_problem(kind, message, spec.name, spec, received_value=value)]
    if spec.choices is not None and value not in spec.choices:
        return [not_in_list(spec, spec.choices, value)]
    return []


def is_compatible(received: Any, wanted: Any) -> bool:
    """True when a link's type fits; "*" fits all, "A,B" fits either."""
    if received == wanted or received == "*" or wanted == "*":
        return True
    if not isinstance(received, str) or not isinstance(wanted, str):
        return False
    given = {part.strip() for part in received.split(",")}
    return not given.isdisjoint(part.strip() for part in wanted.split(","))
