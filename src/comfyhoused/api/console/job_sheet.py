"""/console/jobs/{id}: one job, what happened to it, and what can be done with it."""

from collections.abc import AsyncIterator
from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Form, Header
from fastapi.responses import Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from comfyhoused.api.acceptance import accept
from comfyhoused.api.console.console_pages import list_owners, redirect_to, render_console
from comfyhoused.api.console.files_out import give_file
from comfyhoused.api.console.jobs_page import view_whole
from comfyhoused.api.console.pages import PAGES
from comfyhoused.api.console.repeating import can_repeat, make_request_again
from comfyhoused.api.console.signed_in import SignedIn
from comfyhoused.api.console.timeline import list_moments, list_shares
from comfyhoused.api.house import ApiHouse
from comfyhoused.api.jobs import stream_events
from comfyhoused.api.rendering import render_job
from comfyhoused.core.jobs.archive import load_document
from comfyhoused.core.jobs.cancel import cancel_job
from comfyhoused.core.jobs.erasing import erase_job
from comfyhoused.core.jobs.record import Job, JobNotFound, find_job

router = APIRouter(prefix="/console", include_in_schema=False)


async def get_member_job(member: SignedIn, job_id: str) -> Job:
    """Return a job of the account, of either mode; raises JobNotFound."""
    job = await find_job(member.house.resources.store, job_id)
    if job is None or job.owner not in list_owners(member) or job.is_erasing:
        raise JobNotFound(f"No job {job_id[:64]!r}. It may have been erased.")
    return job


@router.get("/jobs/{job_id}")
async def show_job(member: SignedIn, job_id: str) -> Response:
    """Show a job; without script the page loads itself again until the job is over."""
    resources = member.house.resources
    job = await load_document(resources.storage, await get_member_job(member, job_id))
    shown = await render_job(member.house, job)
    document = shown.model_dump_json(indent=2, exclude={"outputs", "images", "image_url"})
    return render_console(
        member,
        "console/job.html",
        nav="Jobs",
        job=await view_whole(member, job),
        shown=shown,
        moments=await list_moments(resources.store, job),
        shares=list_shares(job),
        document=document,
        error_text=orjson.dumps(job.error, option=orjson.OPT_INDENT_2).decode()
        if job.error
        else "",
        can_repeat=job.state.is_terminal and await can_repeat(resources, job),
    )


@router.get("/jobs/{job_id}/print")
async def show_print(member: SignedIn, job_id: str) -> Response:
    """Give the result, to be put into the page that waits for it."""
    view = await view_whole(member, await get_member_job(member, job_id))
    return PAGES.render("console/_print.html", job=view)


@router.post("/jobs/{job_id}/cancel")
async def cancel(member: SignedIn, job_id: str, token: Annotated[str, Form()] = "") -> Response:
    """Cancel a job and go to its page."""
    member.check_form(token)
    job = await get_member_job(member, job_id)
    await cancel_job(member.house.resources.store, job.owner, job.id)
    return redirect_to(f"/console/jobs/{job.id}")


@router.post("/jobs/{job_id}/again")
async def run_again(member: SignedIn, job_id: str, token: Annotated[str, Form()] = "") -> Response:
    """Submit the same request once more, as a new job."""
    member.check_form(token)
    job = await get_member_job(member, job_id)
    request = await make_request_again(member.house.resources, job)
    admission = await accept(member.house, member.make_principal(job.mode), request, "")
    return redirect_to(f"/console/jobs/{admission.job_id}")


@router.post("/jobs/{job_id}/erase")
async def erase(member: SignedIn, job_id: str, token: Annotated[str, Form()] = "") -> Response:
    """Erase a job, its prompt and its outputs; cancels it first."""
    member.check_form(token)
    job = await get_member_job(member, job_id)
    await cancel_job(member.house.resources.store, job.owner, job.id)
    await erase_job(member.house.resources, job.owner, job.id)
    return redirect_to(f"/console/jobs?mode={job.mode}")


async def _find_stream(member: SignedIn, job_id: str) -> tuple[ApiHouse, str]:
    """Refuse before the stream begins, when a status can still be sent."""
    return member.house, (await get_member_job(member, job_id)).id


@router.get("/jobs/{job_id}/events", response_class=EventSourceResponse)
async def follow(
    found: Annotated[tuple[ApiHouse, str], Depends(_find_stream)],
    last_event_id: Annotated[str | None, Header(pattern=r"^\d{1,19}-\d{1,19}$")] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Follow a job, as `GET /api/v1/jobs/{id}/events` does."""
    async for event in stream_events(*found, last_event_id or "-"):
        yield event


@router.get("/files/{file_id}")
async def show_file(member: SignedIn, file_id: str) -> Response:
    """Give a file of the account from our own address, wherever it is stored."""
    return await give_file(member.house, list_owners(member), file_id)
