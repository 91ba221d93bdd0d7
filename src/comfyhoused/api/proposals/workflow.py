"""A graph that the customer sends along."""

import asyncio

from comfyhoused.api.house import ApiHouse, Principal
from comfyhoused.api.proposals.proposal import Proposal
from comfyhoused.api.schemas import WorkflowRequest
from comfyhoused.core.files.records import get_file
from comfyhoused.core.workflows.files import list_file_ids
from comfyhoused.core.workflows.policy import NodePolicy
from comfyhoused.core.workflows.validation import check_graph_on_any


async def propose_workflow(
    house: ApiHouse, principal: Principal, request: WorkflowRequest
) -> Proposal:
    """Return the job that runs the graph; raises what is wrong with it."""
    catalogues = await house.catalogues.list_catalogues(principal.mode)
    workflow = await asyncio.to_thread(
        check_graph_on_any, request.workflow, catalogues, NodePolicy()
    )
    for file_id in list_file_ids(workflow.graph):
        await get_file(house.resources.store, principal.owner, file_id)
    return Proposal(
        request=request,
        kind="workflow",
        template="workflow",
        workflow=workflow,
        units=request.max_units,
    )
