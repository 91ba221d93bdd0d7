"""The one way from any request body to its proposal."""

from comfyhoused.api.house import ApiHouse, Principal
from comfyhoused.api.job_requests import GenerateRequest, UpscaleRequest, WorkflowRequest
from comfyhoused.api.pictures_in import drop_pictures
from comfyhoused.api.proposals.generate import propose_generate
from comfyhoused.api.proposals.proposal import Proposal
from comfyhoused.api.proposals.upscale import propose_upscale
from comfyhoused.api.proposals.workflow import propose_workflow
from comfyhoused.core.workflows.licences import ModelNotLicensed, check_licences

JobRequest = GenerateRequest | UpscaleRequest | WorkflowRequest


async def propose(house: ApiHouse, principal: Principal, request: JobRequest) -> Proposal:
    """Return what the request asks for, checked and priced; raises what is wrong with it.

    Whatever the graph loads, live keys get no model that may not be sold: ModelNotLicensed.
    """
    proposal = await _propose_kind(house, principal, request)
    if principal.mode == "live":
        try:
            check_licences(proposal.workflow.graph, house.models)
        except ModelNotLicensed:
            await drop_pictures(house, principal, proposal.carried)
            raise
    return proposal


async def _propose_kind(house: ApiHouse, principal: Principal, request: JobRequest) -> Proposal:
    if isinstance(request, UpscaleRequest):
        return await propose_upscale(house, principal, request)
    if isinstance(request, WorkflowRequest):
        return await propose_workflow(house, principal, request)
    return await propose_generate(house, principal, request)
