"""From the body of PUT /workflows/{name} to a definition that can be run."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

from comfyhoused.api.house import ApiHouse, Principal
from comfyhoused.api.workflow_schemas import InputSchema, WorkflowDefinition
from comfyhoused.core.files.records import get_file
from comfyhoused.core.fleet.catalogues import NoBackendYet
from comfyhoused.core.workflows.catalogue import Catalogue
from comfyhoused.core.workflows.files import list_file_ids
from comfyhoused.core.workflows.limits import DEFAULT_LIMITS
from comfyhoused.core.workflows.policy import NodePolicy, make_policy
from comfyhoused.core.workflows.registered.definition import (
    DeclaredInput,
    Definition,
    Target,
)
from comfyhoused.core.workflows.registered.filling import fill_graph, make_sample
from comfyhoused.core.workflows.registered.resolving import resolve_inputs
from comfyhoused.core.workflows.saved_check import convert_saved
from comfyhoused.core.workflows.saved_graph import is_saved_graph
from comfyhoused.core.workflows.shape import RawNodes, find_shape_errors
from comfyhoused.core.workflows.validation import (
    ROOT,
    check_graph_on_any,
    make_invalid_workflow,
)


async def make_definition(
    house: ApiHouse, principal: Principal, body: WorkflowDefinition
) -> Definition:
    """Return the definition, its inputs resolved; raises InvalidWorkflow with every fault.

    Where no server is known yet only the form is checked, and `is_checked` is False: a house
    may be set up before its servers are. A file that it names must be the owner's.
    """
    try:
        catalogues = await house.catalogues.list_catalogues(principal.mode)
    except NoBackendYet:
        catalogues = []
    definition = await asyncio.to_thread(
        _resolve, body, catalogues, make_policy(house.resources.settings.nodes)
    )
    defaults = [str(one.default) for one in definition.inputs if one.is_picture and one.default]
    for file_id in [*list_file_ids(definition.graph), *defaults]:
        await get_file(house.resources.store, principal.owner, file_id)
    return definition


def _resolve(
    body: WorkflowDefinition, catalogues: Sequence[Catalogue], policy: NodePolicy
) -> Definition:
    sent: object = body.workflow
    if is_saved_graph(sent):
        sent = convert_saved(sent, catalogues, ROOT)
    errors = find_shape_errors(sent, DEFAULT_LIMITS, ROOT)
    if errors:
        raise make_invalid_workflow(errors)
    graph = _tidy(cast(RawNodes, sent))
    drafts = [_draft(name, one) for name, one in body.inputs.items()]
    inputs, errors = resolve_inputs(drafts, graph, catalogues)
    if errors:
        raise make_invalid_workflow(errors)
    definition = Definition(
        graph=graph,
        inputs=inputs,
        title=body.title,
        description=body.description,
        max_units=body.max_units,
        finish=_make_finish(body),
        is_checked=bool(catalogues),
    )
    if catalogues:
        sample = make_sample(definition, catalogues)
        filled = fill_graph(definition, sample, has_files=False)
        check_graph_on_any(filled, catalogues, policy)
    return definition


def _tidy(graph: RawNodes) -> dict[str, Any]:
    """Return the graph without what only the editor reads."""
    return {
        node_id: {"class_type": node["class_type"], "inputs": node["inputs"]}
        for node_id, node in graph.items()
    }


def _draft(name: str, body: InputSchema) -> DeclaredInput:
    targets = [Target(one.node_id, one.field) for one in body.targets]
    if body.node_id is not None and body.field is not None:
        targets = [Target(body.node_id, body.field)]
    return DeclaredInput(
        name=name,
        type=body.type,
        targets=tuple(targets),
        default=body.default,
        is_required=body.required,
        minimum=body.minimum,
        maximum=body.maximum,
        step=body.step,
        choices=tuple(body.choices) if body.choices is not None else None,
        max_length=body.max_length,
        title=body.title,
        description=body.description,
    )


def _make_finish(body: WorkflowDefinition) -> dict[str, Any]:
    if body.output_format is None:
        return {}
    return {"format": body.output_format, "quality": body.quality}
