"""/console/workflows: the account's registered workflows."""

from typing import Annotated

from fastapi import APIRouter, Form, Query
from fastapi.responses import Response

from comfyhoused.api.console.console_pages import redirect_to, render_console
from comfyhoused.api.console.jobs_page import Choice
from comfyhoused.api.console.signed_in import SignedIn
from comfyhoused.api.key_secrets import KeyMode
from comfyhoused.core.workflows.registered.records import drop_registration, list_registrations

router = APIRouter(prefix="/console/workflows", include_in_schema=False)

_PAGE = 50
_MODES: tuple[KeyMode, ...] = ("live", "test")
Mode = Annotated[KeyMode, Query()]


@router.get("")
async def show_workflows(
    member: SignedIn,
    mode: Mode = "live",
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """Show the workflows of a mode by name, each in its latest version."""
    owner = member.make_principal(mode).owner
    store = member.house.resources.store
    page = await list_registrations(store, owner, limit=_PAGE, cursor=cursor)
    plans = member.house.plans
    holders = [plan.title for plan in plans.list_offered() if plan.has("registered_workflows")]
    return render_console(
        member,
        "console/workflows.html",
        nav="Workflows",
        mode=mode,
        modes=[Choice(one.capitalize(), f"?mode={one}", one == mode) for one in _MODES],
        workflows=page.items,
        next_cursor=page.next_cursor,
        has_feature=plans.get(member.account.plan).has("registered_workflows"),
        plans=holders,
    )


@router.post("/{name}/delete")
async def delete(
    member: SignedIn, name: str, mode: Mode = "live", token: Annotated[str, Form()] = ""
) -> Response:
    """Remove a workflow with all its versions."""
    member.check_form(token)
    owner = member.make_principal(mode).owner
    await drop_registration(member.house.resources.store, owner, name)
    return redirect_to(f"/console/workflows?mode={mode}")
