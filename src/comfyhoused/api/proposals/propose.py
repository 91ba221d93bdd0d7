"""The one way from any request body to its proposal."""

from comfyhoused.api.house import ApiHouse, Principal
from comfyhoused.api.proposals.generate import propose_generate
from comfyhoused.api.proposals.proposal import Proposal
from comfyhoused.api.proposals.upscale import propose_upscale
from comfyhoused.api.proposals.workflow import propose_workflow
from comfyhoused.api.schemas import GenerateRequest, UpscaleRequest, WorkflowRequest

JobRequest = GenerateRequest | UpscaleRequest | WorkflowRequest


async def propose(house: ApiHouse, principal: Principal, request: JobRequest) -> Proposal:
    """Return what the request asks for, checked and priced; raises what is wrong with it."""
    if isinstance(request, UpscaleRequest):
        return await propose_upscale(house, principal, request)
    if isinstance(request, WorkflowRequest):
        return await propose_workflow(house, principal, request)
    return await propose_generate(house, principal, request)
