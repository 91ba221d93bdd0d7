"""What is done to the pictures of a job: as its request asks, and as the plan wants."""

from collections.abc import Mapping
from typing import Any

from comfyhoused.api.house import ApiHouse, Principal
from comfyhoused.api.job_requests import FinishOptions, WorkflowRequest


def make_finish(house: ApiHouse, principal: Principal, request: FinishOptions) -> dict[str, Any]:
    """Return the `finish` of a job whose graph is ours and saves PNG; empty: nothing to do."""
    finish: dict[str, Any] = {}
    if request.output_format != "png":
        finish = {"format": request.output_format, "quality": request.quality}
    return finish | _make_mark(house, principal, request.watermark)


def make_workflow_finish(
    house: ApiHouse,
    principal: Principal,
    request: WorkflowRequest,
    registered: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the `finish` of a workflow: what the request says comes before what is registered."""
    finish = dict(registered or {})
    if request.output_format is not None:
        finish |= {"format": request.output_format, "quality": request.quality}
    return finish | _make_mark(house, principal, request.watermark)


def _make_mark(house: ApiHouse, principal: Principal, wanted: bool | str) -> dict[str, Any]:
    """A plan with a mark has ours; a text of one's own is for the others."""
    is_marked = house.plans.get(principal.plan).mark
    mark = True if is_marked else wanted
    return {"mark": mark} if mark else {}
