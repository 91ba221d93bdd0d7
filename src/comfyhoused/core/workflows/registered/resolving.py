"""Declared inputs against the graph and the catalogue: what they fill, ranges and defaults."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from comfyhoused.core.workflows.catalogue import Catalogue, merge_catalogues
from comfyhoused.core.workflows.files import is_file_ref
from comfyhoused.core.workflows.graph import Scalar, escape_step
from comfyhoused.core.workflows.inputs import SCALAR_TYPES, InputSpec
from comfyhoused.core.workflows.quoting import quote
from comfyhoused.core.workflows.registered.definition import DeclaredInput, InputType, Target
from comfyhoused.core.workflows.registered.values import find_choices, read_input
from comfyhoused.core.workflows.values import BadValue
from comfyhoused.kit.errors import FieldError

LONGEST_TEXT = 5000  # where a declaration names no other limit

#: Which inputs of nodes a declared type may fill.
_TAKEN: Mapping[InputType, tuple[str, ...]] = {
    "text": ("STRING",),
    "integer": ("INT", "FLOAT"),
    "number": ("FLOAT",),
    "boolean": ("BOOLEAN",),
    "choice": ("COMBO", "STRING", "INT", "FLOAT"),
    "model": ("COMBO",),
    "seed": ("INT",),
}


def resolve_inputs(
    drafts: Sequence[DeclaredInput], graph: Mapping[str, Any], catalogues: Sequence[Catalogue]
) -> tuple[tuple[DeclaredInput, ...], list[FieldError]]:
    """Return the inputs with ranges, defaults and `is_required` filled in, and what is wrong.

    The graph is well formed. Without a catalogue only the nodes are looked for.
    """
    merged = merge_catalogues(catalogues) if catalogues else None
    errors = [*_find_doubles(drafts)]
    resolved: list[DeclaredInput] = []
    for draft in drafts:
        pointer = f"/inputs/{escape_step(draft.name)}"
        specs, found = _find_specs(draft, graph, merged, pointer)
        errors += found
        if found:
            continue
        try:
            resolved.append(_resolve(draft, specs, graph, catalogues))
        except BadValue as bad:
            error = FieldError(pointer=pointer, detail=bad.detail)
            if bad.allowed is not None:
                error["allowed"] = [str(one) for one in bad.allowed]
            errors.append(error)
    return tuple(resolved), errors


def _find_doubles(drafts: Sequence[DeclaredInput]) -> Iterator[FieldError]:
    owners: dict[Target, str] = {}
    for draft in drafts:
        for target in draft.targets:
            first = owners.setdefault(target, draft.name)
            if first != draft.name:
                yield FieldError(
                    pointer=f"/inputs/{escape_step(draft.name)}",
                    detail=f"{quote(first)} fills {quote(target.field)} of node "
                    f"{quote(target.node_id)} already",
                )


def _find_specs(
    draft: DeclaredInput, graph: Mapping[str, Any], merged: Catalogue | None, pointer: str
) -> tuple[list[InputSpec], list[FieldError]]:
    """Return what the servers say of every target, and which targets are none."""
    specs: list[InputSpec] = []
    errors: list[FieldError] = []
    for number, target in enumerate(draft.targets):
        where = f"{pointer}/targets/{number}"
        node = graph.get(target.node_id)
        if node is None:
            detail = f"the graph has no node {quote(target.node_id)}"
            errors.append(FieldError(pointer=where, detail=detail, allowed=[*graph][:50]))
            continue
        node_class = merged.classes.get(node["class_type"]) if merged else None
        if node_class is None:
            continue  # nothing is known; the check of the graph tells of a class that is not there
        spec = node_class.inputs.get(target.field)
        fault = _find_misfit(draft, spec)
        if fault is not None or spec is None:
            error = FieldError(
                pointer=where,
                detail=fault or f"the node has no input {quote(target.field)}",
                node_id=target.node_id,
                class_type=str(node["class_type"]),
            )
            if spec is None:
                error["allowed"] = [*node_class.inputs][:50]
            errors.append(error)
        else:
            specs.append(spec)
    return specs, errors


def _find_misfit(draft: DeclaredInput, spec: InputSpec | None) -> str | None:
    """Return why a declared type cannot fill this input, or None."""
    if spec is None:
        return None
    if draft.is_picture or spec.is_file:
        if draft.is_picture and spec.is_file:
            return None
        wanted = "image or mask" if spec.is_file else "no picture"
        return f"the input takes {wanted}; declared is {draft.type}"
    if spec.type not in SCALAR_TYPES:
        return f"the input takes a link of {quote(spec.type)}, and no value"
    if spec.type not in _TAKEN[draft.type]:
        return f"the input is {quote(spec.type)}, which {draft.type} cannot fill"
    if draft.type == "choice" and spec.type != "COMBO" and draft.choices is None:
        return "the input lists no choices; declare `choices`"
    return None


def _resolve(
    draft: DeclaredInput,
    specs: Sequence[InputSpec],
    graph: Mapping[str, Any],
    catalogues: Sequence[Catalogue],
) -> DeclaredInput:
    declared = _narrow(draft, specs)
    given = _find_default(declared, graph)
    if given is None:
        is_required = declared.type != "seed" or bool(declared.is_required)
        return replace(declared, default=None, is_required=is_required)
    choices = find_choices(declared, catalogues, graph)
    if catalogues or declared.choices is not None or declared.type not in ("choice", "model"):
        try:
            given = read_input(declared, given, choices)
        except BadValue as bad:
            raise BadValue(f"default: {bad.detail}", bad.allowed) from bad
    return replace(declared, default=given, is_required=False)


def _find_default(declared: DeclaredInput, graph: Mapping[str, Any]) -> Scalar | None:
    """Return the declared default, else what stands in the graph; a seed there is left alone:
    it was drawn when the graph was saved, and would be the same for every job.
    """
    if declared.type == "seed":
        return declared.default
    if declared.is_required:
        return None
    return _find_literal(declared, graph) if declared.default is None else declared.default


def _narrow(draft: DeclaredInput, specs: Sequence[InputSpec]) -> DeclaredInput:
    """Return the input with ranges no wider than those of its targets."""
    if draft.type == "text":
        return replace(draft, max_length=draft.max_length or LONGEST_TEXT)
    if draft.type not in ("integer", "number", "seed"):
        return draft
    lows = [one.minimum for one in specs if one.minimum is not None]
    highs = [one.maximum for one in specs if one.maximum is not None]
    low, high = max(lows, default=None), min(highs, default=None)
    if draft.minimum is not None and low is not None and draft.minimum < low:
        raise BadValue(f"minimum: the node takes nothing less than {low}")
    if draft.maximum is not None and high is not None and draft.maximum > high:
        raise BadValue(f"maximum: the node takes nothing more than {high}")
    return replace(
        draft,
        minimum=low if draft.minimum is None else draft.minimum,
        maximum=_limit(draft, high) if draft.maximum is None else draft.maximum,
    )


def _limit(draft: DeclaredInput, high: float | None) -> float | None:
    """Seeds stay below 2³², which every language reads from JSON as it was written."""
    if draft.type != "seed":
        return high
    return 2**32 - 1 if high is None else min(high, 2**32 - 1)


def _find_literal(declared: DeclaredInput, graph: Mapping[str, Any]) -> Scalar | None:
    """Return what stands in the graph at the first target, where that is a value."""
    target = declared.targets[0]
    value = graph[target.node_id]["inputs"].get(target.field)
    if declared.is_picture:
        return str(value["file_id"]) if is_file_ref(value) else None
    return value if isinstance(value, str | int | float) else None
