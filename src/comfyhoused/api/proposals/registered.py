"""A registered workflow, filled with the inputs of one request."""

import asyncio
from collections.abc import Sequence
from typing import Any

from comfyhoused.api.house import ApiHouse, Principal
from comfyhoused.api.job_requests import WorkflowRequest
from comfyhoused.api.proposals.finish import make_workflow_finish
from comfyhoused.api.proposals.pictures import take_pictures
from comfyhoused.api.proposals.proposal import Proposal
from comfyhoused.core.files.records import get_file
from comfyhoused.core.workflows.catalogue import Catalogue
from comfyhoused.core.workflows.files import list_file_ids
from comfyhoused.core.workflows.graph import Scalar, Workflow
from comfyhoused.core.workflows.policy import NodePolicy, make_policy
from comfyhoused.core.workflows.registered.definition import Definition
from comfyhoused.core.workflows.registered.filling import (
    InvalidInputs,
    fill_graph,
    point_at_inputs,
    read_inputs,
)
from comfyhoused.core.workflows.registered.records import (
    Registration,
    get_registration,
    read_reference,
)
from comfyhoused.core.workflows.validation import InvalidWorkflow, check_graph_on_any


async def propose_registered(
    house: ApiHouse, principal: Principal, request: WorkflowRequest, reference: str
) -> Proposal:
    """Return the job that runs `name` or `name@version`; raises what is wrong with its inputs.

    Pictures are taken in last, so that a request that is refused leaves none behind.
    """
    house.plans.require_feature(principal.plan, "registered_workflows")
    name, version = read_reference(reference)
    found = await get_registration(house.resources.store, principal.owner, name, version)
    catalogues = await house.catalogues.list_catalogues(principal.mode)
    policy = make_policy(house.resources.settings.nodes)
    values = await asyncio.to_thread(_check, found.definition, request, catalogues, policy)
    texts = {one: str(values[one]) for one in _list_pictures(found.definition)}
    fields = {f"inputs/{name}": text for name, text in texts.items()}
    async with take_pictures(house, principal, fields) as pictures:
        values |= {name: pictures.files[f"inputs/{name}"].id for name in texts}
        workflow = await asyncio.to_thread(_fill, found.definition, values, catalogues, policy)
        for file_id in list_file_ids(workflow.graph):
            await get_file(house.resources.store, principal.owner, file_id)
        return Proposal(
            request=request,
            kind="workflow",
            template=name,
            workflow=workflow,
            units=request.max_units or found.definition.max_units,
            parameters=_describe(found, values),
            carried=pictures.carried,
            finish=make_workflow_finish(house, principal, request, found.definition.finish),
        )


def _check(
    definition: Definition,
    request: WorkflowRequest,
    catalogues: Sequence[Catalogue],
    policy: NodePolicy,
) -> dict[str, Scalar]:
    values = read_inputs(definition, request.inputs, catalogues)
    graph = fill_graph(definition, values, has_files=False)
    _check_graph(definition, graph, catalogues, policy)
    return values


def _fill(
    definition: Definition,
    values: dict[str, Scalar],
    catalogues: Sequence[Catalogue],
    policy: NodePolicy,
) -> Workflow:
    graph = fill_graph(definition, values, has_files=True)
    return _check_graph(definition, graph, catalogues, policy)


def _check_graph(
    definition: Definition,
    graph: dict[str, Any],
    catalogues: Sequence[Catalogue],
    policy: NodePolicy,
) -> Workflow:
    try:
        return check_graph_on_any(graph, catalogues, policy)
    except InvalidWorkflow as error:
        errors = point_at_inputs(definition, error.errors)
        raise InvalidInputs(f"{errors[0]['pointer']}: {errors[0]['detail']}", errors=errors) from (
            error
        )


def _list_pictures(definition: Definition) -> list[str]:
    return [one.name for one in definition.inputs if one.is_picture]


def _describe(found: Registration, values: dict[str, Scalar]) -> dict[str, Any]:
    """Return what is shown with the job; a drawn seed stands where pictures are told theirs."""
    seeds = [one.name for one in found.definition.inputs if one.type == "seed"]
    shown: dict[str, Any] = {"workflow": found.name, "version": found.version, "inputs": values}
    if len(seeds) == 1:
        shown["seed"] = values[seeds[0]]
    return shown
