"""/console/webhooks/{endpoint}: what it is told of, its secrets, its log."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Query
from fastapi.responses import Response

from comfyhoused.api.console.console_pages import redirect_to, render_console
from comfyhoused.api.console.signed_in import SignedIn
from comfyhoused.api.console.webhooks_page import Events, Mode, Token, choose_events
from comfyhoused.api.key_secrets import KeyMode
from comfyhoused.api.webhook_events import EVENT_TYPES, emit_test
from comfyhoused.api.webhook_urls import check_webhook_url
from comfyhoused.core.webhooks.deliveries import DeliveryState, list_deliveries
from comfyhoused.core.webhooks.endpoints import (
    EndpointDisabled,
    change_endpoint,
    delete_endpoint,
    get_endpoint,
    list_endpoint_secrets,
    rotate_endpoint_secret,
)
from comfyhoused.core.webhooks.replay import replay_events
from comfyhoused.kit.clock import get_now
from comfyhoused.kit.errors import ComfyhouseError, Problem, make_problem

router = APIRouter(prefix="/console/webhooks/{endpoint_id}", include_in_schema=False)

_LOG = 20
_OVERLAP = timedelta(days=1)
_LONGEST_HOURS = 720


@router.get("")
async def show_endpoint(
    member: SignedIn,
    endpoint_id: str,
    mode: Mode = "live",
    state: Annotated[DeliveryState | None, Query()] = None,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    sent: Annotated[int | None, Query(ge=0, le=10**6)] = None,
) -> Response:
    """Show an endpoint."""
    return await _show(member, endpoint_id, mode, state=state, cursor=cursor, sent=sent)


@router.post("")
async def change(
    member: SignedIn,
    endpoint_id: str,
    mode: Mode = "live",
    token: Token = "",
    url: Annotated[str, Form(max_length=2048)] = "",
    description: Annotated[str, Form(max_length=500)] = "",
    events: Events = None,
) -> Response:
    """Change where an endpoint is and what it is told of."""
    member.check_form(token)
    principal = member.make_principal(mode)
    store = member.house.resources.store
    await get_endpoint(store, principal.owner, endpoint_id)
    try:
        await change_endpoint(
            store,
            principal.owner,
            endpoint_id,
            url=check_webhook_url(member.house, principal.plan, url.strip(), pointer="/url"),
            description=description.strip(),
            events=choose_events(events),
        )
    except ComfyhouseError as error:
        return await _show(member, endpoint_id, mode, problem=make_problem(error))
    return _go_to(endpoint_id, mode)


@router.post("/{verb}")
async def act(
    member: SignedIn,
    endpoint_id: str,
    verb: str,
    mode: Mode = "live",
    token: Token = "",
    hours: Annotated[int, Form(ge=1, le=_LONGEST_HOURS)] = 24,
) -> Response:
    """Do one of the things that the page has buttons for."""
    member.check_form(token)
    if verb not in _VERBS:
        return _go_to(endpoint_id, mode)
    try:
        return await _VERBS[verb](member, endpoint_id, mode, hours)
    except EndpointDisabled as error:
        return await _show(member, endpoint_id, mode, problem=make_problem(error))


async def _enable(member: SignedIn, endpoint_id: str, mode: KeyMode, _: int) -> Response:
    principal = member.make_principal(mode)
    member.house.plans.require_feature(principal.plan, "webhooks")
    store = member.house.resources.store
    await change_endpoint(store, principal.owner, endpoint_id, is_enabled=True)
    return _go_to(endpoint_id, mode)


async def _disable(member: SignedIn, endpoint_id: str, mode: KeyMode, _: int) -> Response:
    owner = member.make_principal(mode).owner
    await change_endpoint(member.house.resources.store, owner, endpoint_id, is_enabled=False)
    return _go_to(endpoint_id, mode)


async def _delete(member: SignedIn, endpoint_id: str, mode: KeyMode, _: int) -> Response:
    owner = member.make_principal(mode).owner
    await delete_endpoint(member.house.resources.store, owner, endpoint_id)
    return redirect_to(f"/console/webhooks?mode={mode}")


async def _rotate(member: SignedIn, endpoint_id: str, mode: KeyMode, _: int) -> Response:
    owner = member.make_principal(mode).owner
    overlap = int(_OVERLAP.total_seconds())
    store = member.house.resources.store
    await rotate_endpoint_secret(store, owner, endpoint_id, overlap_seconds=overlap)
    return _go_to(endpoint_id, mode)


async def _test(member: SignedIn, endpoint_id: str, mode: KeyMode, _: int) -> Response:
    resources = member.house.resources
    owner = member.make_principal(mode).owner
    endpoint = await get_endpoint(resources.store, owner, endpoint_id)
    if not endpoint.is_enabled:
        raise EndpointDisabled("Enable it first.")
    await emit_test(resources, endpoint)
    return _go_to(endpoint_id, mode)


async def _replay(member: SignedIn, endpoint_id: str, mode: KeyMode, hours: int) -> Response:
    owner = member.make_principal(mode).owner
    now = get_now()
    since = now - timedelta(hours=hours)
    store = member.house.resources.store
    replay = await replay_events(store, owner, endpoint_id, since=since, until=now)
    return _go_to(endpoint_id, mode, replay.sent)


_VERBS: dict[str, Callable[[SignedIn, str, KeyMode, int], Awaitable[Response]]] = {
    "enable": _enable,
    "disable": _disable,
    "delete": _delete,
    "rotate-secret": _rotate,
    "test": _test,
    "replay": _replay,
}


def _go_to(endpoint_id: str, mode: KeyMode, sent: int | None = None) -> Response:
    more = "" if sent is None else f"&sent={sent}"
    return redirect_to(f"/console/webhooks/{endpoint_id}?mode={mode}{more}")


async def _show(
    member: SignedIn,
    endpoint_id: str,
    mode: KeyMode,
    *,
    state: DeliveryState | None = None,
    cursor: str | None = None,
    sent: int | None = None,
    problem: Problem | None = None,
) -> Response:
    resources, owner = member.house.resources, member.make_principal(mode).owner
    secret = resources.settings.house.secret.get_secret_value().encode()
    endpoint = await get_endpoint(resources.store, owner, endpoint_id)
    page = await list_deliveries(
        resources.store, owner, limit=_LOG, cursor=cursor, state=state, endpoint=endpoint.id
    )
    return render_console(
        member,
        "console/endpoint.html",
        nav="Webhooks",
        status_code=problem["status"] if problem else 200,
        mode=mode,
        endpoint=endpoint,
        secrets=await list_endpoint_secrets(resources.store, secret, owner, endpoint.id),
        deliveries=page.items,
        next_cursor=page.next_cursor,
        is_first=cursor is None,
        state=state,
        states=list(DeliveryState),
        event_types=EVENT_TYPES,
        sent=sent,
        problem=problem,
    )
