"""The error bodies of a refused prompt, in ComfyUI 0.3.64's words (http/300-341)."""

from typing import Any

from comfyhouse_engine.execution.failures import format_traceback, type_name
from comfyhouse_engine.execution.graph import InputSpec

Problem = dict[str, Any]
_ECHOED_CHOICES = 20
"""A list of more choices than this is not repeated in the error."""


def make_problem(kind: str, message: str, details: str = "", **extra: object) -> Problem:
    """Return an error object in ComfyUI's shape."""
    return {"type": kind, "message": message, "details": details, "extra_info": extra}


def input_problem(
    kind: str, message: str, details: str, spec: InputSpec, **extra: object
) -> Problem:
    return make_problem(
        kind, message, details, input_name=spec.name, input_config=spec.config, **extra
    )


def missing_input(spec: InputSpec) -> Problem:
    return make_problem(
        "required_input_missing", "Required input is missing", spec.name, input_name=spec.name
    )


def type_mismatch(spec: InputSpec, received: Any, link: list[Any]) -> Problem:
    return input_problem(
        "return_type_mismatch",
        "Return type mismatch between linked nodes",
        f"{spec.name}, received_type({received}) mismatch input_type({spec.kind})",
        spec,
        received_type=received,
        linked_node=link,
    )


def inner_failure(spec: InputSpec, link: list[Any], error: Exception) -> Problem:
    return input_problem(
        "exception_during_inner_validation",
        "Exception when validating inner node",
        str(error),
        spec,
        exception_message=str(error),
        exception_type=type_name(error),
        traceback=format_traceback(error),
        linked_node=link,
    )


def not_convertible(spec: InputSpec, value: Any, error: Exception) -> Problem:
    return input_problem(
        "invalid_input_type",
        f"Failed to convert an input value to a {spec.kind} value",
        f"{spec.name}, {value}, {error}",
        spec,
        received_value=value,
        exception_message=str(error),
    )


def not_in_list(spec: InputSpec, choices: list[Any], value: Any) -> Problem:
    is_long = len(choices) > _ECHOED_CHOICES
    allowed = f"(list of length {len(choices)})" if is_long else str(choices)
    return make_problem(
        "value_not_in_list",
        "Value not in list",
        f"{spec.name}: '{value}' not in {allowed}",
        input_name=spec.name,
        input_config=None if is_long else spec.config,
        received_value=value,
    )


def refused_by_node(name: str, answer: object) -> Problem:
    details = name if answer is False else f"{name} - {answer}"
    message = "Custom validation failed for node"
    return make_problem("custom_validation_failed", message, details, input_name=name)
