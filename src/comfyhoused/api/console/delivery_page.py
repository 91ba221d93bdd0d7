"""/console/webhooks/deliveries/{id}: what was sent, and what was answered to each try."""

from fastapi import APIRouter
from fastapi.responses import Response

from comfyhoused.api.console.console_pages import redirect_to, render_console
from comfyhoused.api.console.signed_in import SignedIn
from comfyhoused.api.console.webhooks_page import Mode, Token
from comfyhoused.api.key_secrets import KeyMode
from comfyhoused.core.webhooks.deliveries import get_delivery, list_attempts
from comfyhoused.core.webhooks.endpoints import EndpointDisabled
from comfyhoused.core.webhooks.replay import DeliveryErased, replay_delivery
from comfyhoused.kit.errors import Problem, make_problem

router = APIRouter(prefix="/console/webhooks/deliveries/{delivery_id}", include_in_schema=False)


@router.get("")
async def show_delivery(member: SignedIn, delivery_id: str, mode: Mode = "live") -> Response:
    """Show one delivery."""
    return await _show(member, delivery_id, mode)


@router.post("/replay")
async def send_again(
    member: SignedIn, delivery_id: str, mode: Mode = "live", token: Token = ""
) -> Response:
    """Send a delivery again."""
    member.check_form(token)
    owner = member.make_principal(mode).owner
    try:
        await replay_delivery(member.house.resources.store, owner, delivery_id)
    except (EndpointDisabled, DeliveryErased) as error:
        return await _show(member, delivery_id, mode, make_problem(error))
    return redirect_to(f"/console/webhooks/deliveries/{delivery_id}?mode={mode}")


async def _show(
    member: SignedIn, delivery_id: str, mode: KeyMode, problem: Problem | None = None
) -> Response:
    store = member.house.resources.store
    delivery = await get_delivery(store, member.make_principal(mode).owner, delivery_id)
    return render_console(
        member,
        "console/delivery.html",
        nav="Webhooks",
        status_code=problem["status"] if problem else 200,
        mode=mode,
        delivery=delivery,
        attempts=await list_attempts(store, delivery.id),
        problem=problem,
    )
