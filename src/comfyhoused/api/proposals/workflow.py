"""A graph that the customer sends along, or the name of one that is registered."""

import asyncio

from comfyhoused.api.house import ApiHouse, Principal
from comfyhoused.api.job_requests import WorkflowRequest
from comfyhoused.api.proposals.finish import make_workflow_finish
from comfyhoused.api.proposals.proposal import Proposal
from comfyhoused.api.proposals.registered import propose_registered
from comfyhoused.core.files.records import get_file
from comfyhoused.core.workflows.files import list_file_ids
from comfyhoused.core.workflows.policy import make_policy
from comfyhoused.core.workflows.registered.filling import InvalidInputs
from comfyhoused.core.workflows.validation import check_graph_on_any
from comfyhoused.kit.errors import FieldError


async def propose_workflow(
    house: ApiHouse, principal: Principal, request: WorkflowRequest
) -> Proposal:
    """Return the job that runs the graph; raises what is wrong with it."""
    if isinstance(request.workflow, str):
        return await propose_registered(house, principal, request, request.workflow)
    if request.inputs:
        detail = "only a registered workflow has inputs; write the values into the graph"
        raise InvalidInputs(detail, errors=[FieldError(pointer="/inputs", detail=detail)])
    catalogues = await house.catalogues.list_catalogues(principal.mode)
    workflow = await asyncio.to_thread(
        check_graph_on_any,
        request.workflow,
        catalogues,
        make_policy(house.resources.settings.nodes),
    )
    for file_id in list_file_ids(workflow.graph):
        await get_file(house.resources.store, principal.owner, file_id)
    return Proposal(
        request=request,
        kind="workflow",
        template="workflow",
        workflow=workflow,
        units=request.max_units or 1,
        finish=make_workflow_finish(house, principal, request),
    )
