"""Is this a workflow that a server can run and we let through? Answered before it waits."""

from collections.abc import Sequence
from itertools import islice
from typing import cast

from comfyhoused.core.workflows.catalogue import Catalogue
from comfyhoused.core.workflows.graph import Graph, Workflow
from comfyhoused.core.workflows.graph_check import find_graph_errors
from comfyhoused.core.workflows.limits import DEFAULT_LIMITS, WorkflowLimits
from comfyhoused.core.workflows.node_check import read_node
from comfyhoused.core.workflows.policy import NodePolicy
from comfyhoused.core.workflows.preparation import replace_previews
from comfyhoused.core.workflows.rules import Rules
from comfyhoused.core.workflows.saved_check import make_refusal, point_at_file, read_saved
from comfyhoused.core.workflows.saved_conversion import convert
from comfyhoused.core.workflows.saved_graph import SavedGraph, is_saved_graph
from comfyhoused.core.workflows.shape import RawNodes, find_shape_errors
from comfyhoused.core.workflows.wiring import list_reached, read_sources
from comfyhoused.kit.errors import FieldError, Unprocessable

ROOT = "/workflow"


class InvalidWorkflow(Unprocessable):
    """A workflow has a mistake, or uses what no server has or the operator does not allow."""

    code = "invalid_workflow"
    title = "The workflow cannot be run"


def find_errors(
    graph: object,
    catalogue: Catalogue,
    policy: NodePolicy,
    *,
    limits: WorkflowLimits = DEFAULT_LIMITS,
    root: str = ROOT,
) -> list[FieldError]:
    """Return what is wrong with a workflow, with JSON Pointers below `root`; at most
    `limits.max_errors`.

    `graph` may be any JSON value. Nodes that no output needs only have to be well formed.
    """
    return _examine(graph, Rules(catalogue, policy, limits, root))[1]


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
    return check_graph_on_any(graph, [catalogue], policy, limits=limits, root=root)


def check_graph_on_any(
    graph: object,
    catalogues: Sequence[Catalogue],
    policy: NodePolicy,
    *,
    limits: WorkflowLimits = DEFAULT_LIMITS,
    root: str = ROOT,
) -> Workflow:
    """Return the workflow if at least one server of the fleet can run it; see `check_graph`.

    The editor's save format is converted first, by each server's own catalogue. Raises
    InvalidWorkflow with the errors of the server that comes closest, WorkflowIsSaveFormat.
    """
    if is_saved_graph(graph):
        return _check_saved(read_saved(graph, root), catalogues, policy, limits, root)
    fewest = [FieldError(detail="no server is known that could run it", pointer=root)]
    for number, catalogue in enumerate(catalogues):
        workflow, errors = _examine(graph, Rules(catalogue, policy, limits, root))
        if not errors:
            return workflow
        if number == 0 or len(errors) < len(fewest):
            fewest = errors
    raise make_invalid_workflow(fewest)


def _check_saved(
    saved: SavedGraph,
    catalogues: Sequence[Catalogue],
    policy: NodePolicy,
    limits: WorkflowLimits,
    root: str,
) -> Workflow:
    refusals: list[Unprocessable] = []
    for catalogue in catalogues:
        conversion = convert(saved, catalogue, root)
        if conversion.errors:
            refusals.append(make_refusal(conversion.errors))
            continue
        workflow, errors = _examine(conversion.graph, Rules(catalogue, policy, limits, root))
        if not errors:
            return workflow
        refusals.append(make_invalid_workflow(point_at_file(saved, errors, root)))
    if not refusals:
        refusals = [make_refusal([FieldError(detail="no server is known", pointer=root)])]
    # One that could convert it knows more of it than one that could not.
    raise min(refusals, key=lambda one: (not isinstance(one, InvalidWorkflow), len(one.errors)))


def make_invalid_workflow(errors: Sequence[FieldError]) -> InvalidWorkflow:
    """Return the error that tells all of `errors` (at least one)."""
    first = f"{errors[0].get('pointer', ROOT)}: {errors[0]['detail']}"
    more = f" (the first of {len(errors)} errors)" if len(errors) > 1 else ""
    return InvalidWorkflow(first + more, errors=errors)


def _examine(graph: object, rules: Rules) -> tuple[Workflow, list[FieldError]]:
    """Return the tidied workflow and what is wrong; where something is, the former is empty."""
    errors = find_shape_errors(graph, rules.limits, rules.root)
    tidy: Graph = {}
    if not errors:
        nodes = cast(RawNodes, graph)
        errors = [*islice(find_graph_errors(nodes, rules), rules.limits.max_errors)]
        reached = list_reached(rules.list_outputs(nodes), read_sources(nodes))
        for node_id in nodes:
            node_class = rules.find_class(node_id, nodes)
            if len(errors) >= rules.limits.max_errors:
                break
            if node_class is not None and node_id in reached:
                tidy[node_id], found = read_node(node_id, node_class, nodes, rules)
                errors += found
    if errors:
        return Workflow({}), errors[: rules.limits.max_errors]
    return Workflow(replace_previews(tidy)), []
