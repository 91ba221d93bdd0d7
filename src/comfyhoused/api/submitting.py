"""Submitting a job, with or without waiting for its end: what every such POST shares."""

from typing import Annotated, Any

import orjson
from fastapi import Header, Request, Response

from comfyhoused.api.acceptance import accept
from comfyhoused.api.documented_problems import BODY_PROBLEMS, NOT_FOUND, PROBLEMS
from comfyhoused.api.house import ApiHouse, Principal
from comfyhoused.api.job_responses import JobResponse
from comfyhoused.api.problems import MEDIA_TYPE
from comfyhoused.api.proposals.propose import JobRequest
from comfyhoused.api.rendering import make_headers, render_job
from comfyhoused.api.waiting import read_wait, showing_accepted, wait_for_end
from comfyhoused.core.jobs.record import Job, get_job
from comfyhoused.core.jobs.states import JobState
from comfyhoused.kit.errors import Conflict, make_problem

IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        max_length=255,
        description="the same key and body again give the first answer, for 24 hours",
    ),
]
Prefer = Annotated[str | None, Header(description="wait=N seconds; default 60")]

ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "The picture is ready"},
    202: {"model": JobResponse, "description": "It goes on; follow the job"},
    **BODY_PROBLEMS,
    **PROBLEMS,
    **NOT_FOUND,
}


class JobCanceled(Conflict):
    """The job was canceled while the answer waited for it."""

    code = "job_canceled"
    title = "The job was canceled"


async def submit(
    house: ApiHouse,
    principal: Principal,
    body: JobRequest,
    response: Response,
    idempotency_key: str,
) -> JobResponse:
    """Return the job as it was accepted."""
    admission = await accept(house, principal, body, idempotency_key)
    with showing_accepted(admission.job_id):
        job = admission.job
        if job is None:
            job = await get_job(house.resources.store, principal.owner, admission.job_id)
        response.headers.update(make_headers(job))
        if admission.is_replayed:
            response.headers["Idempotent-Replayed"] = "true"
        return await render_job(house, job)


async def submit_and_wait(
    house: ApiHouse,
    principal: Principal,
    body: JobRequest,
    request: Request,
    response: Response,
    prefer: str | None,
    idempotency_key: str,
) -> JobResponse | Response:
    """Return the job when it has ended, or after the wait as it then is (status 202)."""
    admission = await accept(house, principal, body, idempotency_key)
    seconds = read_wait(prefer, house.resources.settings.jobs.sync_wait_seconds)
    with showing_accepted(admission.job_id):
        job = await wait_for_end(house, principal.owner, admission.job_id, seconds)
        if job.state.is_terminal and job.state is not JobState.SUCCEEDED:
            return _answer_failure(request, job)
        response.headers.update(make_headers(job))
        if admission.is_replayed:
            response.headers["Idempotent-Replayed"] = "true"
        response.status_code = 200 if job.state.is_terminal else 202
        return await render_job(house, job)


def _answer_failure(request: Request, job: Job) -> Response:
    """Answer with the very document that is stored on the job."""
    problem = job.error or make_problem(JobCanceled("Nothing was charged."))
    return Response(
        orjson.dumps({**problem, "instance": request.url.path, "job_id": job.id}),
        status_code=problem["status"],
        media_type=MEDIA_TYPE,
        headers=make_headers(job),
    )
