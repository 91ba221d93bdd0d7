"""A job's request, once more."""

from pydantic import ValidationError

from comfyhoused.api.job_requests import GenerateRequest, UpscaleRequest, WorkflowRequest
from comfyhoused.api.proposals.propose import JobRequest
from comfyhoused.core.jobs.archive import find_spec
from comfyhoused.core.jobs.record import Job
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

    Raises RequestGone where it is not kept, or this version of the API would not take it.
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
        spec = await find_spec(resources.store, resources.storage, job.id)
        if spec is None:
            raise RequestGone("What it was asked for is gone.")
        finish = spec.get("finish", {})
        return WorkflowRequest(
            workflow=spec["graph"],
            max_units=max(1, job.reserved_units),
            output_format=finish.get("format"),
            **options,
        )
    except (KeyError, ValidationError) as error:
        raise RequestGone("It was asked for in a form that is not taken any more.") from error
