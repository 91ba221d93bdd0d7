"""Back from Google: the one address it leads to, for every errand.

Whatever went wrong there ends on a page that says what happened and how to go on. Nothing is
done twice: a way is known to one browser, for half an hour, until it was used.
"""

from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from comfyhoused.adapters.google.account_errors import GoogleGrantLost, GoogleRefusesUs
from comfyhoused.creator.connecting import finish_connecting
from comfyhoused.creator.flows import Flow, FlowOver, forget_flow, get_flow
from comfyhoused.creator.next_page import HOME
from comfyhoused.creator.picking import finish_picking
from comfyhoused.creator.screens.pages import render_open
from comfyhoused.creator.sign_in import finish_sign_in, is_demo, render_sign_in
from comfyhoused.creator.visitors import AnyGuest, Guest
from comfyhoused.kit.errors import ComfyhouseError, Forbidden
from comfyhoused.kit.log import get_logger

log = get_logger(__name__)

router = APIRouter(prefix="/creator", include_in_schema=False)

_MOST_PICKED = 200


class ConsentDenied(Forbidden):
    """The person said no at Google; nothing was changed."""

    code = "consent_denied"
    title = "You said no at Google"


@router.get("/auth/callback")
async def come_back(
    request: Request,
    guest: AnyGuest,
    state: str = "",
    code: str = "",
    error: str = "",
    picked_file_ids: str = "",
) -> Response:
    """Finish what the browser went to Google for."""
    vault = guest.house.google.vault
    try:
        flow = get_flow(request, vault, state)
    except FlowOver as fault:
        return _show_fault(guest, None, fault)
    try:
        response = await _finish(guest, flow, code, error, picked_file_ids)
    except ComfyhouseError as fault:
        response = _show_fault(guest, flow, fault)
    forget_flow(request, response, vault, state)
    return response


async def _finish(guest: Guest, flow: Flow, code: str, error: str, picked: str) -> Response:
    if error == "access_denied":
        raise ConsentDenied("That is all right: nothing was changed.")
    if error or not code:
        raise GoogleRefusesUs(f"Google led you back with {error[:60] or 'nothing'!r}.")
    house = guest.house
    try:
        if flow.errand == "sign_in":
            return await finish_sign_in(guest.request, house, flow, code)
        _check_same_user(guest, flow)
        if flow.errand == "connect":
            return await finish_connecting(house, flow, code)
        ids = tuple(one for one in picked.split(",") if one)[:_MOST_PICKED]
        return await finish_picking(house, flow, code, ids)
    except GoogleGrantLost as lost:
        raise FlowOver("Google takes each answer once only. Begin again.") from lost


def _check_same_user(guest: Guest, flow: Flow) -> None:
    if guest.user is None or guest.user.id != flow.user_id:
        raise FlowOver("You have signed out, or in as somebody else, meanwhile. Begin again.")


def _show_fault(guest: Guest, flow: Flow | None, fault: ComfyhouseError) -> Response:
    log.info("back from Google in vain: %s", fault.code)
    if guest.user is None:
        return render_sign_in(guest, flow.next if flow else HOME, fault)
    return render_open(
        guest,
        "google_fault.html",
        status_code=fault.status,
        fault=fault,
        again=_find_way_again(flow) if flow else None,
        back=flow.next if flow else HOME,
        is_demo=is_demo(guest.house.google.settings),
    )


def _find_way_again(flow: Flow) -> str | None:
    """Return where the same errand begins anew."""
    if flow.errand == "connect":
        return f"/creator/google/connect?{urlencode({'next': flow.next, 'connection': flow.about})}"
    return None
