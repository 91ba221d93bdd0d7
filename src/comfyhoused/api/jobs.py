"""/jobs: submit without waiting, look, list, follow, cancel, erase."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Header, Query, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from comfyhoused.adapters.redis.client import StoreUnavailable
from comfyhoused.api.documented_problems import BODY_PROBLEMS, INVALID, NOT_FOUND, PROBLEMS
from comfyhoused.api.house import ApiHouse, House, JobFollower, JobReader, JobWriter
from comfyhoused.api.job_bodies import JobBody
from comfyhoused.api.job_requests import SUBMIT_EXAMPLES
from comfyhoused.api.job_responses import JobList, JobResponse
from comfyhoused.api.rendering import make_headers, render_job, render_jobs
from comfyhoused.api.submitting import IdempotencyKey, submit
from comfyhoused.core.jobs.cancel import cancel_job
from comfyhoused.core.jobs.erasing import erase_job
from comfyhoused.core.jobs.events import Event, follow_job
from comfyhoused.core.jobs.listing import list_jobs
from comfyhoused.core.jobs.record import get_job
from comfyhoused.core.jobs.states import JobState

_OUTAGE_PAUSE_SECONDS = 0.5

router = APIRouter(prefix="/jobs", tags=["Jobs"])


SubmitBody = Annotated[
    JobBody,
    Body(
        description="the parameters of a picture, or `workflow`: a graph, or "
        '`"kind": "upscale"` and what POST /upscale takes',
        openapi_examples=SUBMIT_EXAMPLES,
    ),
]
_Cursor = Annotated[str | None, Query(max_length=200, description="`next_cursor` of a page")]


@router.post("", status_code=202, responses={**BODY_PROBLEMS, **PROBLEMS, **NOT_FOUND})
async def submit_job(
    house: House,
    principal: JobWriter,
    body: SubmitBody,
    response: Response,
    idempotency_key: IdempotencyKey = "",
) -> JobResponse:
    """Accept a job. Once this is answered the job survives any crash."""
    return await submit(house, principal, body, response, idempotency_key)


@router.get("", responses={**INVALID, **PROBLEMS, 400: INVALID[422]})
async def list_my_jobs(
    house: House,
    principal: JobReader,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: _Cursor = None,
    status: JobState | None = None,
) -> JobList:
    """List your jobs, newest first."""
    store = house.resources.store
    page = await list_jobs(store, principal.owner, limit=limit, cursor=cursor, state=status)
    jobs = await render_jobs(house, page.items)
    return JobList(jobs=jobs, next_cursor=page.next_cursor)


@router.get("/{job_id}", responses={**NOT_FOUND, **PROBLEMS})
async def get_my_job(
    house: House, principal: JobReader, job_id: str, response: Response
) -> JobResponse:
    """Show one job."""
    job = await get_job(house.resources.store, principal.owner, job_id)
    response.headers.update(make_headers(job))
    return await render_job(house, job)


@router.post("/{job_id}/cancel", responses={**NOT_FOUND, **PROBLEMS})
async def cancel_my_job(house: House, principal: JobWriter, job_id: str) -> JobResponse:
    """Cancel a job: at once while it waits, soon while it runs. Idempotent, and free."""
    return await render_job(house, await cancel_job(house.resources.store, principal.owner, job_id))


@router.delete("/{job_id}", status_code=204, responses={**NOT_FOUND, **PROBLEMS})
async def erase_my_job(house: House, principal: JobWriter, job_id: str) -> None:
    """Erase a job, its prompt and its outputs; cancels it first. It cannot be undone."""
    await cancel_job(house.resources.store, principal.owner, job_id)
    await erase_job(house.resources, principal.owner, job_id)


async def _check_is_mine(house: House, principal: JobFollower, job_id: str) -> str:
    """Refuse before the stream begins, when a status can still be sent."""
    return (await get_job(house.resources.store, principal.owner, job_id)).id


@router.get(
    "/{job_id}/events",
    response_class=EventSourceResponse,
    responses={**NOT_FOUND, **PROBLEMS},
)
async def follow_my_job(
    house: House,
    job_id: Annotated[str, Depends(_check_is_mine)],
    last_event_id: Annotated[
        str | None,
        Header(pattern=r"^\d{1,19}-\d{1,19}$", description="resume after this event"),
    ] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Follow a job as server-sent events until it is over.

    `job.queued`, `job.running`, `job.succeeded`, `job.failed`, `job.canceled` and `job.expired`
    carry ids and can be resumed; `job.progress` and `job.preview` come only live.
    """
    async for event in stream_events(house, job_id, last_event_id or "-"):
        yield event


async def stream_events(house: ApiHouse, job_id: str, after: str) -> AsyncIterator[ServerSentEvent]:
    """Yield what happens to a job as server-sent events; `after` is `-` or the last id seen."""
    store = house.resources.store
    while True:
        try:
            async for event in follow_job(store, house.hub, job_id, after=after):
                after = (event and event.id) or after
                yield _render_event(event)
        except StoreUnavailable:
            yield _render_event(None)
            await asyncio.sleep(_OUTAGE_PAUSE_SECONDS)
        else:
            return


def _render_event(event: Event | None) -> ServerSentEvent:
    if event is None:
        return ServerSentEvent(comment="still here")
    return ServerSentEvent(id=event.id, event=event.type, data=event.data)
