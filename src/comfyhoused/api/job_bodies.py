"""What a job's body may be: one of three kinds, told apart by what stands in it."""

from typing import Annotated, Any

from pydantic import Discriminator, Tag

from comfyhoused.api.job_requests import GenerateRequest, UpscaleRequest, WorkflowRequest


def _name_kind(body: Any) -> str:
    """A body with a `workflow` is one, one that says `"kind": "upscale"` is that, the rest is
    generate; so its faults are told of one kind, not of all.
    """
    if isinstance(body, WorkflowRequest | UpscaleRequest | GenerateRequest):
        return type(body).__name__
    if isinstance(body, dict) and "workflow" in body:
        return WorkflowRequest.__name__
    if isinstance(body, dict) and body.get("kind") == "upscale":
        return UpscaleRequest.__name__
    return GenerateRequest.__name__


JobBody = Annotated[
    Annotated[WorkflowRequest, Tag(WorkflowRequest.__name__)]
    | Annotated[UpscaleRequest, Tag(UpscaleRequest.__name__)]
    | Annotated[GenerateRequest, Tag(GenerateRequest.__name__)],
    Discriminator(_name_kind),
]
