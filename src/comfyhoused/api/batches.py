"""/batches: many jobs at once, how they stand, and all their pictures in one file."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import StreamingResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent

from comfyhoused.adapters.redis.client import StoreUnavailable
from comfyhoused.api.batch_acceptance import accept_batch
from comfyhoused.api.batch_archive import Archive
from comfyhoused.api.batch_rendering import make_batch_headers, render_batch
from comfyhoused.api.batch_retry import retry_batch
from comfyhoused.api.batch_schemas import (
    BatchList,
    BatchRequest,
    BatchResponse,
    BatchRetried,
)
from comfyhoused.api.documented_problems import BODY_PROBLEMS, INVALID, NOT_FOUND, PROBLEMS
from comfyhoused.api.house import ApiHouse, House, JobReader, JobWriter
from comfyhoused.api.job_responses import JobList
from comfyhoused.api.rendering import render_jobs
from comfyhoused.api.submitting import IdempotencyKey
from comfyhoused.core.jobs.batches import (
    Batch,
    cancel_batch,
    erase_batch,
    find_batch,
    get_batch,
    list_batches,
    list_items,
)
from comfyhoused.core.jobs.states import JobState
from comfyhoused.core.webhooks.events import erase_subject
from comfyhoused.kit.errors import TooManyRequests

_LOOK_SECONDS = 1.0
_LOOKS_PER_COMMENT = 15
#: Each of them has Redis look at every job of the batch once a second.
MOST_FOLLOWERS = 20

_Cursor = Annotated[str | None, Query(max_length=200, description="`next_cursor` of a page")]
_Limit = Annotated[int, Query(ge=1, le=100)]
_PAGED = {**PROBLEMS, **INVALID, 400: INVALID[422]}

router = APIRouter(prefix="/batches", tags=["Batches"])
_followers: Counter[str] = Counter()  # of this process


class TooManyFollowers(TooManyRequests):
    """As many streams follow the batch as may; close one, or have webhooks tell you."""

    code = "too_many_followers"
    title = "Too many streams follow this batch"


@router.post("", status_code=202, responses={**BODY_PROBLEMS, **PROBLEMS, **NOT_FOUND})
async def submit_batch(
    house: House,
    principal: JobWriter,
    body: BatchRequest,
    response: Response,
    idempotency_key: IdempotencyKey = "",
) -> BatchResponse:
    """Accept up to 1,000 jobs, all of them or none. Once answered they survive any crash."""
    admission = await accept_batch(house, principal, body, idempotency_key)
    response.headers.update(make_batch_headers(admission.batch_id))
    if admission.is_replayed:
        response.headers["Idempotent-Replayed"] = "true"
    batch = await get_batch(house.resources.store, principal.owner, admission.batch_id)
    return render_batch(house.plans.units, batch)


@router.get("", responses=_PAGED)
async def list_my_batches(
    house: House, principal: JobReader, limit: _Limit = 20, cursor: _Cursor = None
) -> BatchList:
    """List your batches, newest first."""
    store = house.resources.store
    page = await list_batches(store, principal.owner, limit=limit, cursor=cursor)
    batches = [render_batch(house.plans.units, batch) for batch in page.items]
    return BatchList(batches=batches, next_cursor=page.next_cursor)


@router.get("/{batch_id}", responses={**NOT_FOUND, **PROBLEMS})
async def get_my_batch(house: House, principal: JobReader, batch_id: str) -> BatchResponse:
    """Show how a batch stands."""
    batch = await get_batch(house.resources.store, principal.owner, batch_id)
    return render_batch(house.plans.units, batch)


@router.get("/{batch_id}/jobs", responses={**NOT_FOUND, **_PAGED})
async def list_batch_jobs(
    house: House,
    principal: JobReader,
    batch_id: str,
    limit: _Limit = 20,
    cursor: _Cursor = None,
    status: JobState | None = None,
) -> JobList:
    """List the jobs of a batch in their order, `item` from 0 on, without those that were erased."""
    store = house.resources.store
    batch = await get_batch(store, principal.owner, batch_id)
    page = await list_items(store, batch.id, limit=limit, cursor=cursor, state=status)
    jobs = [item.job for item in page.items if item.job is not None]
    return JobList(jobs=await render_jobs(house, jobs), next_cursor=page.next_cursor)


@router.post("/{batch_id}/cancel", responses={**NOT_FOUND, **PROBLEMS})
async def cancel_my_batch(house: House, principal: JobWriter, batch_id: str) -> BatchResponse:
    """Cancel every job of a batch that is not over. Idempotent, and free."""
    batch = await cancel_batch(house.resources.store, principal.owner, batch_id)
    return render_batch(house.plans.units, batch)


@router.post(
    "/{batch_id}/retry",
    status_code=202,
    responses={429: BODY_PROBLEMS[429], **NOT_FOUND, **PROBLEMS},
)
async def retry_my_batch(house: House, principal: JobWriter, batch_id: str) -> BatchRetried:
    """Try the failed, canceled and expired jobs of a batch again, each as a new job of its item.

    All of them or, where your quota does not suffice, none.
    """
    retried = await retry_batch(house, principal, batch_id)
    batch = await get_batch(house.resources.store, principal.owner, batch_id)
    return BatchRetried(**render_batch(house.plans.units, batch).model_dump(), retried=retried)


@router.delete("/{batch_id}", status_code=204, responses={**NOT_FOUND, **PROBLEMS})
async def erase_my_batch(house: House, principal: JobWriter, batch_id: str) -> None:
    """Erase a batch, all its jobs and their outputs; cancels it first. It cannot be undone."""
    store = house.resources.store
    await erase_batch(store, principal.owner, batch_id)
    await erase_subject(store, batch_id)


async def _get_mine(house: House, principal: JobReader, batch_id: str) -> Batch:
    """Refuse before the stream begins, when a status can still be sent."""
    return await get_batch(house.resources.store, principal.owner, batch_id)


_Mine = Annotated[Batch, Depends(_get_mine)]


@router.get(
    "/{batch_id}/archive",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "A ZIP with every output that there is by now, and manifest.json",
            "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
        },
        **NOT_FOUND,
        **PROBLEMS,
    },
)
async def get_batch_archive(house: House, batch: _Mine) -> StreamingResponse:
    """Fetch all outputs of a batch as a ZIP. Its manifest says what became of each job."""
    headers = {"Content-Disposition": f'attachment; filename="{batch.id}.zip"'}
    stream = Archive(house.resources, batch).stream()
    return StreamingResponse(stream, media_type="application/zip", headers=headers)


async def _get_followable(batch: _Mine) -> Batch:
    if _followers[batch.id] >= MOST_FOLLOWERS:
        raise TooManyFollowers(f"{MOST_FOLLOWERS} streams follow it already.")
    return batch


@router.get(
    "/{batch_id}/events",
    response_class=EventSourceResponse,
    responses={**NOT_FOUND, **PROBLEMS},
)
async def follow_batch(
    house: House, batch: Annotated[Batch, Depends(_get_followable)]
) -> AsyncIterator[ServerSentEvent]:
    """Follow a batch as server-sent events until every job is over.

    `batch.progress` and, as the last one, `batch.completed`: the batch as GET shows it.
    """
    _followers[batch.id] += 1
    try:
        async for event in _stream_batch(house, batch):
            yield event
    finally:
        _followers[batch.id] -= 1
        if _followers[batch.id] <= 0:
            del _followers[batch.id]


async def _stream_batch(house: ApiHouse, batch: Batch) -> AsyncIterator[ServerSentEvent]:
    shown: BatchResponse | None = None
    looks = 0
    while True:
        try:
            found = await find_batch(house.resources.store, batch.id)
        except StoreUnavailable:
            yield ServerSentEvent(comment="still here")
            await asyncio.sleep(_LOOK_SECONDS)
            continue
        if found is None:  # erased meanwhile
            return
        present = render_batch(house.plans.units, found)
        is_over = present.status == "completed"
        if present != shown or is_over:
            shown = present
            event = "batch.completed" if is_over else "batch.progress"
            yield ServerSentEvent(event=event, data=present.model_dump(mode="json"))
        elif looks % _LOOKS_PER_COMMENT == 0:
            yield ServerSentEvent(comment="still here")
        if is_over:
            return
        looks += 1
        await asyncio.sleep(_LOOK_SECONDS)
