"""POST /generate: a picture in one call."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Header, Request, Response

from comfyhoused.api.acceptance import accept
from comfyhoused.api.house import House, JobWriter
from comfyhoused.api.problems import MEDIA_TYPE
from comfyhoused.api.rendering import make_headers, render_job
from comfyhoused.api.schemas import BODY_PROBLEMS, NOT_FOUND, PROBLEMS, GenerateRequest, JobResponse
from comfyhoused.api.waiting import read_wait, showing_accepted, wait_for_end
from comfyhoused.core.jobs.record import Job
from comfyhoused.core.jobs.states import JobState
from comfyhoused.kit.errors import Conflict, make_problem

router = APIRouter(tags=["Pictures"])

IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        max_length=255,
        description="the same key and body again give the first answer, for 24 hours",
    ),
]


class JobCanceled(Conflict):
    """The job was canceled while the answer waited for it."""

    code = "job_canceled"
    title = "The job was canceled"


@router.post(
    "/generate",
    responses={
        200: {"description": "The picture is ready"},
        202: {"model": JobResponse, "description": "It goes on; follow the job"},
        **BODY_PROBLEMS,
        **PROBLEMS,
        **NOT_FOUND,
    },
)
async def generate(
    house: House,
    principal: JobWriter,
    body: GenerateRequest,
    request: Request,
    response: Response,
    prefer: Annotated[str | None, Header(description="wait=N seconds; default 60")] = None,
    idempotency_key: IdempotencyKey = "",
) -> JobResponse:
    """Make a picture and wait for it. A dropped connection does not cancel the job."""
    admission = await accept(house, principal, body, idempotency_key)
    seconds = read_wait(prefer, house.resources.settings.jobs.sync_wait_seconds)
    with showing_accepted(admission.job_id):
        job = await wait_for_end(house, principal.owner, admission.job_id, seconds)
        if job.state.is_terminal and job.state is not JobState.SUCCEEDED:
            return _answer_failure(request, job)  # type: ignore[return-value]
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
