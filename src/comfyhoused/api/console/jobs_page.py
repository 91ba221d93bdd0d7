"""/console/jobs: the account's jobs, newest first."""

from dataclasses import dataclass, replace
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from fastapi.responses import Response

from comfyhoused.api.charging import count_charge
from comfyhoused.api.console.console_pages import render_console
from comfyhoused.api.console.signed_in import SignedIn
from comfyhoused.api.console.views import JobView, view_job
from comfyhoused.api.key_secrets import KeyMode
from comfyhoused.core.files.records import find_file
from comfyhoused.core.jobs.archive import load_document
from comfyhoused.core.jobs.listing import list_jobs
from comfyhoused.core.jobs.record import Job
from comfyhoused.core.jobs.states import JobState

router = APIRouter(prefix="/console", include_in_schema=False)

_BASE = "/console"
_PAGE = 20


@dataclass(frozen=True, slots=True)
class Choice:
    """A link that narrows the list; `is_on` marks the present one."""

    words: str
    href: str
    is_on: bool


@router.get("/jobs")
async def show_jobs(
    member: SignedIn,
    mode: KeyMode = "live",
    state: Annotated[JobState | None, Query()] = None,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """Show a page of jobs of one mode, of one state or all."""
    store = member.house.resources.store
    owner = member.make_principal(mode).owner
    page = await list_jobs(store, owner, limit=_PAGE, cursor=cursor, state=state)
    older = _make_href(mode, state, page.next_cursor) if page.next_cursor else None
    return render_console(
        member,
        "console/jobs.html",
        nav="Jobs",
        jobs=[await view_whole(member, job) for job in page.items],
        mode=mode,
        state=state.value if state else None,
        modes=[Choice(one.capitalize(), _make_href(one, state), one == mode) for one in _MODES],
        states=_list_states(mode, state),
        older=older,
        newest=_make_href(mode, state) if cursor else None,
        others=await _count_others(member, mode) if not page.items else 0,
    )


_MODES: tuple[KeyMode, ...] = ("live", "test")


async def view_whole(member: SignedIn, job: Job) -> JobView:
    """Return the view of a job, archived or not, with the outputs that are still there."""
    resources = member.house.resources
    job = await load_document(resources.storage, job)
    kept = {
        raw["file_id"]
        for raw in job.outputs
        if await find_file(resources.store, raw["file_id"]) is not None
    }
    view = view_job(job, base=_BASE, kept=kept)
    return replace(view, charged_units=count_charge(member.house.plans.units, job))


def _list_states(mode: KeyMode, state: JobState | None) -> list[Choice]:
    return [
        Choice("All", _make_href(mode), state is None),
        *(Choice(one.value.capitalize(), _make_href(mode, one), one is state) for one in JobState),
    ]


def _make_href(mode: KeyMode, state: JobState | None = None, cursor: str | None = None) -> str:
    parts = {"mode": mode, "state": state.value if state else None, "cursor": cursor}
    return "/console/jobs?" + urlencode({name: part for name, part in parts.items() if part})


async def _count_others(member: SignedIn, mode: KeyMode) -> int:
    """Return how many jobs the other mode has, for whoever finds this one empty."""
    other: KeyMode = "test" if mode == "live" else "live"
    owner = member.make_principal(other).owner
    return int(await member.house.resources.store.zcard(f"ch:1:owner:{owner}:jobs"))
