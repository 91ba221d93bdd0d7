"""Is this a workflow that a server can run and we let through? Answers before it waits."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from comfyhoused.core.workflows.catalogue import Catalogue, NodeClass
from comfyhoused.core.workflows.graph import Graph, Node, Place, Value, Workflow, is_link
from comfyhoused.core.workflows.limits import DEFAULT_LIMITS, WorkflowLimits
from comfyhoused.core.workflows.policy import NodePolicy
from comfyhoused.core.workflows.preparation import replace_previews
from comfyhoused.core.workflows.quoting import quote
from comfyhoused.core.workflows.shape import RawNodes, find_shape_errors
from comfyhoused.core.workflows.sizes import find_size_fault
from comfyhoused.core.workflows.values import BadValue, read_value
from comfyhoused.core.workflows.wiring import (
    find_link_errors,
    find_link_fault,
    list_circle,
    list_reached,
    measure_depths,
    read_sources,
)
from comfyhoused.kit.errors import FieldError, Unprocessable

ROOT = "/workflow"
_MOST_SUGGESTIONS = 5  # difflib is slow; a graph of 500 unknown classes must not cost seconds


class InvalidWorkflow(Unprocessable):
    code = "invalid_workflow"
    title = "The workflow cannot be run"


@dataclass(frozen=True)
class _Rules:
    catalogue: Catalogue
    policy: NodePolicy
    limits: WorkflowLimits
    root: str


def find_errors(
    graph: object,
    catalogue: Catalogue,
    policy: NodePolicy,
    *,
    limits: WorkflowLimits = DEFAULT_LIMITS,
    root: str = ROOT,
) -> list[FieldError]:
    """Return everything that is wrong with a workflow, with JSON Pointers below `root`.

    `graph` may be any JSON value. Nodes that no output needs only have to be well formed.
    """
    return _examine(graph, _Rules(catalogue, policy, limits, root))[1]


def check_graph(
    graph: object,
    catalogue: Catalogue,
    policy: NodePolicy,
    *,
    limits: WorkflowLimits = DEFAULT_LIMITS,
    root: str = ROOT,
) -> Workflow:
    """Return the workflow, tidied: stray nodes, stray inputs and editor-only keys dropped,
    numbers written as text made numbers, previews replaced by nodes that save.

    Raises InvalidWorkflow.
    """
    workflow, errors = _examine(graph, _Rules(catalogue, policy, limits, root))
    if errors:
        raise make_invalid_workflow(errors)
    return workflow


def check_graph_on_any(
    graph: object,
    catalogues: Sequence[Catalogue],
    policy: NodePolicy,
    *,
    limits: WorkflowLimits = DEFAULT_LIMITS,
    root: str = ROOT,
) -> Workflow:
    """Return the workflow if at least one server of the fleet can run it.

    Raises InvalidWorkflow with the errors of the server that comes closest.
    """
    fewest: list[FieldError] | None = None
    for catalogue in catalogues:
        workflow, errors = _examine(graph, _Rules(catalogue, policy, limits, root))
        if not errors:
            return workflow
        if fewest is None or len(errors) < len(fewest):
            fewest = errors
    raise make_invalid_workflow(fewest or [FieldError(detail="no server is known", pointer=root)])


def make_invalid_workflow(errors: Sequence[FieldError]) -> InvalidWorkflow:
    """Return the error that tells all of `errors` (at least one)."""
    first = f"{errors[0].get('pointer', ROOT)}: {errors[0]['detail']}"
    more = f" (and {len(errors) - 1} more errors)" if len(errors) > 1 else ""
    return InvalidWorkflow(first + more, errors=errors)


def _examine(graph: object, rules: _Rules) -> tuple[Workflow, list[FieldError]]:
    errors = find_shape_errors(graph, rules.limits, rules.root)
    tidy: Graph = {}
    if not errors:
        nodes = cast(RawNodes, graph)
        errors = [*_find_graph_errors(nodes, rules)]
        for node_id in _list_needed(nodes, rules):
            tidy[node_id] = _read_node(node_id, nodes, rules, errors)
    if errors:
        return Workflow({}), errors[: rules.limits.max_errors]
    return Workflow(replace_previews(tidy)), []


def _find_graph_errors(nodes: RawNodes, rules: _Rules) -> Iterator[FieldError]:
    """Yield what is wrong with the graph as a whole: classes, links, circles, outputs."""
    unknown = [node_id for node_id in nodes if _find_class(node_id, nodes, rules) is None]
    for count, node_id in enumerate(unknown):
        yield _describe_unknown(_make_place(node_id, nodes, rules), count, rules)
    for node_id in nodes:
        yield from find_link_errors(_make_place(node_id, nodes, rules), nodes)
    sources = read_sources(nodes)
    circle = list_circle(sources)
    if circle:
        way = " → ".join(quote(node_id) for node_id in circle[:20])
        yield _make_place(circle[0], nodes, rules).make_error(f"the links run in a circle: {way}")
    elif max(measure_depths(sources).values()) > rules.limits.max_chain:
        detail = f"a chain of more than {rules.limits.max_chain} nodes is not taken"
        yield FieldError(detail=detail, pointer=rules.root)
    if not unknown and not _list_outputs(nodes, rules):
        detail = "no node saves a result; add SaveImage at the end"
        yield FieldError(detail=detail, pointer=rules.root)


def _make_place(node_id: str, nodes: RawNodes, rules: _Rules) -> Place:
    return Place(rules.root, node_id, str(nodes[node_id]["class_type"]))


def _find_class(node_id: str, nodes: RawNodes, rules: _Rules) -> NodeClass | None:
    return rules.catalogue.classes.get(str(nodes[node_id]["class_type"]))


def _describe_unknown(place: Place, count: int, rules: _Rules) -> FieldError:
    detail = f"there is no node class {quote(place.class_type)} here"
    if count < _MOST_SUGGESTIONS:
        known = [name for name in rules.catalogue.classes if rules.policy.allows(name)]
        close = difflib.get_close_matches(place.class_type[:80], known, n=3)
        if close:
            return place.make_error(f"{detail}; close to it are", "class_type", allowed=close)
    return place.make_error(detail, "class_type")


def _list_outputs(nodes: RawNodes, rules: _Rules) -> list[str]:
    found = [(node_id, _find_class(node_id, nodes, rules)) for node_id in nodes]
    return [node_id for node_id, node_class in found if node_class and node_class.is_output]


def _list_needed(nodes: RawNodes, rules: _Rules) -> list[str]:
    reached = list_reached(_list_outputs(nodes, rules), read_sources(nodes))
    return [node_id for node_id in nodes if node_id in reached]


def _read_node(node_id: str, nodes: RawNodes, rules: _Rules, errors: list[FieldError]) -> Node:
    """Return the node as it will be sent; what is wrong with it is added to `errors`."""
    place = _make_place(node_id, nodes, rules)
    node_class = _find_class(node_id, nodes, rules)
    inputs: dict[str, Value] = {}
    if node_class is not None:
        refusal = rules.policy.find_refusal(place.class_type, node_class)
        if refusal is not None:
            errors.append(place.make_error(f"this node may not be used: {refusal}", "class_type"))
        raw = cast(Mapping[str, object], nodes[node_id]["inputs"])
        errors.extend(_find_missing(place, node_class, raw))
        for name, value in raw.items():
            try:
                inputs |= _read_input(name, value, node_class, nodes, rules)
            except BadValue as bad:
                errors.append(place.make_error(bad.detail, "inputs", name, allowed=bad.allowed))
        fault = find_size_fault(inputs, rules.limits)
        if fault is not None:
            errors.append(place.make_error(fault, "inputs"))
        if node_class.is_output and "filename_prefix" in node_class.inputs:
            inputs["filename_prefix"] = "ch"  # whatever was asked for; also where it is optional
    return Node(class_type=place.class_type, inputs=inputs)


def _find_missing(
    place: Place, node_class: NodeClass, raw: Mapping[str, object]
) -> Iterator[FieldError]:
    for name, spec in node_class.inputs.items():
        if spec.required and name not in raw:
            yield place.make_error(f"the input {quote(name)} is missing", "inputs", name)


def _read_input(
    name: str, value: object, node_class: NodeClass, nodes: RawNodes, rules: _Rules
) -> dict[str, Value]:
    """Return the input as it will be sent. ComfyUI ignores a scalar of an unknown name (old
    exports carry some), but hands an unknown link to the node, which fails of it.
    """
    spec = node_class.inputs.get(name)
    if spec is None:
        if isinstance(value, list):
            raise BadValue(f"the node has no input {quote(name)}")
        return {}
    if not isinstance(value, list):
        return {name: read_value(spec, value, rules.limits.max_text_characters)}
    if is_link(value) and value[0] in nodes:
        fault = find_link_fault(spec, value, nodes, rules.catalogue)
        if fault is not None:
            raise BadValue(fault)
        return {name: value}
    return {}  # reported with the links of the graph
