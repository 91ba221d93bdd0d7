"""A job's page, its parts for the script, its progress, and its files."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Header, Request, Response
from fastapi.responses import RedirectResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent

from comfyhoused.api.console.files_out import give_file
from comfyhoused.api.console.pages import PAGES, render_page
from comfyhoused.api.console.views import view_job
from comfyhoused.api.console.visitors import OWNERS, PageVisitor, get_page_job
from comfyhoused.api.house import ApiHouse
from comfyhoused.api.jobs import stream_events
from comfyhoused.core.jobs.cancel import cancel_job

router = APIRouter(prefix="/page", include_in_schema=False)


@router.get("/jobs/{job_id}")
async def show_job(visitor: PageVisitor, request: Request, job_id: str) -> Response:
    """Show a job; without script the page loads itself again until the job is over."""
    view = view_job(await get_page_job(visitor.house, job_id))
    return render_page(request, visitor.house, "job.html", job=view)


@router.get("/jobs/{job_id}/print")
async def show_print(visitor: PageVisitor, job_id: str) -> Response:
    """Give the result, to be put into the page that waits for it."""
    view = view_job(await get_page_job(visitor.house, job_id))
    return PAGES.render("_print.html", job=view)


@router.post("/jobs/{job_id}/cancel")
async def cancel(visitor: PageVisitor, job_id: str, token: Annotated[str, Form()] = "") -> Response:
    """Cancel a job and go to its page."""
    visitor.check_form(token)
    job = await get_page_job(visitor.house, job_id)
    await cancel_job(visitor.house.resources.store, job.owner, job.id)
    return RedirectResponse(f"/page/jobs/{job.id}", status_code=303)


async def _find_stream(visitor: PageVisitor, job_id: str) -> tuple[ApiHouse, str]:
    """Refuse before the stream begins, when a status can still be sent."""
    return visitor.house, (await get_page_job(visitor.house, job_id)).id


@router.get("/jobs/{job_id}/events", response_class=EventSourceResponse)
async def follow(
    found: Annotated[tuple[ApiHouse, str], Depends(_find_stream)],
    last_event_id: Annotated[str | None, Header(pattern=r"^\d{1,19}-\d{1,19}$")] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Follow a job, as `GET /api/v1/jobs/{id}/events` does."""
    async for event in stream_events(*found, last_event_id or "-"):
        yield event


@router.get("/files/{file_id}")
async def show_file(visitor: PageVisitor, file_id: str) -> Response:
    """Give a file of the demo account from our own address, wherever it is stored."""
    return await give_file(visitor.house, OWNERS, file_id)
