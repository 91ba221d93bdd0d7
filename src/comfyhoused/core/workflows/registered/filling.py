"""Values into a registered graph: given ones, defaults, drawn seeds."""

import secrets
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from comfyhoused.core.workflows.catalogue import Catalogue
from comfyhoused.core.workflows.graph import Scalar, escape_step
from comfyhoused.core.workflows.quoting import quote
from comfyhoused.core.workflows.registered.definition import (
    LARGEST_SEED,
    DeclaredInput,
    Definition,
)
from comfyhoused.core.workflows.registered.values import find_choices, read_input
from comfyhoused.core.workflows.values import BadValue
from comfyhoused.kit.errors import FieldError, Unprocessable

_PLACEHOLDER = {"file_id": "file_0000"}


class InvalidInputs(Unprocessable):
    """An input of a registered workflow is missing, unknown, or not what was declared."""

    code = "invalid_inputs"
    title = "The inputs are not what the workflow declares"


def read_inputs(
    definition: Definition, given: Mapping[str, object], catalogues: Sequence[Catalogue]
) -> dict[str, Scalar]:
    """Return a value for every input: given, default or drawn. Pictures are still as sent.

    Raises InvalidInputs with pointers such as `/inputs/prompt`.
    """
    errors: list[FieldError] = []
    known = {one.name for one in definition.inputs}
    for name in given:
        if name not in known:
            detail = f"there is no input {quote(name)}"
            errors.append(_make_error(name, detail, allowed=sorted(known)))
    values: dict[str, Scalar] = {}
    for declared in definition.inputs:
        try:
            value = _read_one(definition, declared, given, catalogues)
        except BadValue as bad:
            errors.append(_make_error(declared.name, bad.detail, allowed=bad.allowed))
        else:
            values[declared.name] = value
    if errors:
        raise InvalidInputs(f"{errors[0]['pointer']}: {errors[0]['detail']}", errors=errors[:50])
    return values


def _read_one(
    definition: Definition,
    declared: DeclaredInput,
    given: Mapping[str, object],
    catalogues: Sequence[Catalogue],
) -> Scalar:
    value = given.get(declared.name)
    if value is None and declared.type == "seed" and not declared.is_required:
        return _draw_seed(declared) if declared.default is None else declared.default
    if declared.name not in given:
        if declared.default is None:
            raise BadValue("the input is missing")
        value = declared.default
    return read_input(declared, value, find_choices(declared, catalogues, definition.graph))


def _draw_seed(declared: DeclaredInput) -> int:
    low = int(declared.minimum or 0)
    high = LARGEST_SEED if declared.maximum is None else int(declared.maximum)
    return low + secrets.randbelow(high - low + 1)


def fill_graph(
    definition: Definition, values: Mapping[str, Scalar], *, has_files: bool
) -> dict[str, Any]:
    """Return the graph with the values at their places.

    Without `has_files` a stand-in is put where pictures go: good for checks, not for a run.
    """
    graph = deepcopy(definition.graph)
    for declared in definition.inputs:
        value: object = values[declared.name]
        if declared.is_picture:
            value = {"file_id": value} if has_files else _PLACEHOLDER
        for target in declared.targets:
            graph[target.node_id]["inputs"][target.field] = value
    return graph


def make_sample(definition: Definition, catalogues: Sequence[Catalogue]) -> dict[str, Scalar]:
    """Return values for a check of the graph: defaults, else the least of what is taken."""
    return {one.name: _sample(one, definition, catalogues) for one in definition.inputs}


def _sample(
    declared: DeclaredInput, definition: Definition, catalogues: Sequence[Catalogue]
) -> Scalar:
    if declared.default is not None:
        return declared.default
    if declared.type in ("choice", "model"):
        return next(iter(find_choices(declared, catalogues, definition.graph)), "")
    if declared.type in ("integer", "number", "seed"):
        return declared.minimum if declared.minimum is not None else 0
    return False if declared.type == "boolean" else ""


def point_at_inputs(definition: Definition, errors: Sequence[FieldError]) -> list[FieldError]:
    """Return errors of the filled graph as errors of the request, whose body has no graph."""
    owners = {
        f"/workflow/{escape_step(target.node_id)}/inputs/{escape_step(target.field)}": one.name
        for one in definition.inputs
        for target in one.targets
    }
    return [_point(error, owners) for error in errors]


def _point(error: FieldError, owners: Mapping[str, str]) -> FieldError:
    pointer = error.get("pointer", "")
    owner = owners.get(pointer)
    moved = FieldError(**error)
    if owner is not None:
        moved["pointer"] = f"/inputs/{escape_step(owner)}"
    else:
        moved["pointer"] = ""
        moved["detail"] = f"{pointer.removeprefix('/workflow/')}: {error['detail']}"
    return moved


def _make_error(name: str, detail: str, *, allowed: Sequence[object] | None = None) -> FieldError:
    error = FieldError(pointer=f"/inputs/{escape_step(name)}", detail=detail)
    if allowed is not None:
        error["allowed"] = [str(one) for one in allowed]
    return error
