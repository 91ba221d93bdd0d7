"""/console/webhooks: the account's endpoints, and what was last delivered."""

from typing import Annotated

from fastapi import APIRouter, Form, Query
from fastapi.responses import Response

from comfyhoused.api.console.console_pages import redirect_to, render_console
from comfyhoused.api.console.jobs_page import Choice
from comfyhoused.api.console.signed_in import SignedIn
from comfyhoused.api.key_secrets import KeyMode
from comfyhoused.api.webhook_events import EVENT_TYPES
from comfyhoused.api.webhook_urls import check_webhook_url
from comfyhoused.api.webhooks import MOST_ENDPOINTS
from comfyhoused.core.webhooks.deliveries import list_deliveries
from comfyhoused.core.webhooks.endpoints import create_endpoint, list_endpoints
from comfyhoused.kit.errors import ComfyhouseError, Problem, make_problem

router = APIRouter(prefix="/console/webhooks", include_in_schema=False)

_LATEST = 10
_MODES: tuple[KeyMode, ...] = ("live", "test")
Mode = Annotated[KeyMode, Query()]
Token = Annotated[str, Form()]
Events = Annotated[list[str] | None, Form()]


@router.get("")
async def show_webhooks(member: SignedIn, mode: Mode = "live") -> Response:
    """Show the endpoints of a mode, their latest deliveries, and the form for a new one."""
    return await _show(member, mode)


@router.post("")
async def add_endpoint(
    member: SignedIn,
    mode: Mode = "live",
    token: Token = "",
    url: Annotated[str, Form(max_length=2048)] = "",
    description: Annotated[str, Form(max_length=500)] = "",
    events: Events = None,
) -> Response:
    """Make an endpoint and show its page, with its secret."""
    member.check_form(token)
    principal = member.make_principal(mode)
    try:
        endpoint = await create_endpoint(
            member.house.resources.store,
            principal.owner,
            check_webhook_url(member.house, principal.plan, url.strip(), pointer="/url"),
            description=description.strip(),
            events=choose_events(events),
            most=MOST_ENDPOINTS,
        )
    except ComfyhouseError as error:
        return await _show(member, mode, problem=make_problem(error), url=url)
    return redirect_to(f"/console/webhooks/{endpoint.id}?mode={mode}")


def choose_events(events: list[str] | None) -> list[str]:
    """Return the types that were ticked; all of them are none, so that new ones count too."""
    chosen: list[str] = [one for one in EVENT_TYPES if one in (events or ())]
    return [] if len(chosen) == len(EVENT_TYPES) else chosen


async def _show(
    member: SignedIn, mode: KeyMode, *, problem: Problem | None = None, url: str = ""
) -> Response:
    store = member.house.resources.store
    owner = member.make_principal(mode).owner
    page = await list_deliveries(store, owner, limit=_LATEST, cursor=None)
    plans = [plan.title for plan in member.house.plans.list_offered() if plan.has("webhooks")]
    return render_console(
        member,
        "console/webhooks.html",
        nav="Webhooks",
        status_code=problem["status"] if problem else 200,
        mode=mode,
        modes=[Choice(one.capitalize(), f"?mode={one}", one == mode) for one in _MODES],
        endpoints=await list_endpoints(store, owner),
        deliveries=page.items,
        event_types=EVENT_TYPES,
        has_feature=member.house.plans.get(member.account.plan).has("webhooks"),
        plans=plans,
        problem=problem,
        url=url,
    )
