"""A job's request, once more."""

from pydantic import ValidationError

from comfyhoused.api.proposals.propose import JobRequest
from comfyhoused.api.schemas import GenerateRequest, UpscaleRequest, WorkflowRequest
from comfyhoused.core.jobs.record import Job, JobNotFound, get_spec
from comfyhoused.kit.errors import Conflict
from comfyhoused.resources import Resources

_BY_PARAMETERS: dict[str, type[GenerateRequest] | type[UpscaleRequest]] = {
    "generate": GenerateRequest,
    "upscale": UpscaleRequest,
}


class RequestGone(Conflict):
    """What the job was asked for is not kept any more, so that it cannot be asked again."""

    code = "request_gone"
    title = "The request is not kept any more"


async def can_repeat(resources: Resources, job: Job) -> bool:
    """Tell whether the job's request is still known."""
    try:
        await make_request_again(resources, job)
    except RequestGone:
        return False
    return True


async def make_request_again(resources: Resources, job: Job) -> JobRequest:
    """Return the request that the job answered: the same parameters, seed and all.

    Raises RequestGone, which is so for the graphs of jobs that were archived.
    """
    parameters, metadata = job.facts.get("parameters", {}), job.facts.get("metadata", {})
    options = {"metadata": metadata} if metadata else {}
    try:
        if job.kind in _BY_PARAMETERS:
            model = _BY_PARAMETERS[job.kind]
            asked = {name: parameters[name] for name in parameters if name in model.model_fields}
            return model.model_validate({**asked, **options})
        if "workflow" in parameters:
            reference = f"{parameters['workflow']}@{parameters['version']}"
            return WorkflowRequest(workflow=reference, inputs=parameters["inputs"], **options)
        spec = await get_spec(resources.store, job.id)
        units = max(1, job.reserved_units)
        return WorkflowRequest(workflow=spec["graph"], max_units=units, **options)
    except (JobNotFound, KeyError, ValidationError) as error:
        raise RequestGone("Jobs keep what they were asked for a day.") from error
