"""/console: is anything wrong, how much is left, what ran last."""

from fastapi import APIRouter
from fastapi.responses import Response

from comfyhoused.api.console.console_pages import list_owners, render_console
from comfyhoused.api.console.jobs_page import view_whole
from comfyhoused.api.console.signed_in import SignedIn
from comfyhoused.api.console.usage_view import chart_latest, read_month
from comfyhoused.api.console.views import JobView
from comfyhoused.api.keys import list_account_keys
from comfyhoused.core.jobs.listing import list_jobs
from comfyhoused.core.webhooks.endpoints import list_endpoints

router = APIRouter(include_in_schema=False)

_LATEST = 6


@router.get("/console")
async def show_home(member: SignedIn) -> Response:
    """Show the account's month, its last two weeks, and the latest jobs."""
    store = member.house.resources.store
    endpoints = [one for owner in list_owners(member) for one in await list_endpoints(store, owner)]
    return render_console(
        member,
        "console/home.html",
        nav="Home",
        month=await read_month(member),
        chart=await chart_latest(member),
        latest=await list_latest(member, _LATEST),
        key_count=len(await list_account_keys(store, member.account.id)),
        failing=[one for one in endpoints if one.failing_since or one.disabled_reason],
    )


async def list_latest(member: SignedIn, most: int) -> list[JobView]:
    """Return the newest jobs of both modes."""
    store = member.house.resources.store
    pages = [
        await list_jobs(store, owner, limit=most, cursor=None) for owner in list_owners(member)
    ]
    jobs = sorted((job for page in pages for job in page.items), key=lambda job: job.created_at)
    return [await view_whole(member, job) for job in reversed(jobs[-most:])]
