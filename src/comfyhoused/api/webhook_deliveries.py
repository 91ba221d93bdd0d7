"""/webhooks: the log of deliveries, and sending again."""

from typing import Annotated

from fastapi import APIRouter, Query

from comfyhoused.api.documented_problems import BODY_PROBLEMS, INVALID, NOT_FOUND, PROBLEMS
from comfyhoused.api.house import House, WebhookReader, WebhookWriter
from comfyhoused.api.webhook_rendering import render_delivery, render_detail
from comfyhoused.api.webhook_schemas import (
    DeliveryDetail,
    DeliveryList,
    DeliveryResponse,
    ReplayRequest,
    ReplayResponse,
)
from comfyhoused.core.webhooks.deliveries import (
    Delivery,
    DeliveryState,
    get_delivery,
    list_attempts,
    list_deliveries,
)
from comfyhoused.core.webhooks.endpoints import get_endpoint
from comfyhoused.core.webhooks.replay import replay_delivery, replay_events
from comfyhoused.kit.clock import get_now
from comfyhoused.kit.pages import Page

_Cursor = Annotated[str | None, Query(max_length=200, description="`next_cursor` of a page")]
_Limit = Annotated[int, Query(ge=1, le=100)]
_PAGED = {**PROBLEMS, **INVALID, 400: INVALID[422]}

router = APIRouter(prefix="/webhooks", tags=["Webhooks"])


@router.get("/deliveries", responses=_PAGED)
async def list_webhook_deliveries(
    house: House,
    principal: WebhookReader,
    limit: _Limit = 20,
    cursor: _Cursor = None,
    status: DeliveryState | None = None,
) -> DeliveryList:
    """List all your deliveries, newest first, those to the `webhook_url` of single jobs too."""
    store = house.resources.store
    page = await list_deliveries(store, principal.owner, limit=limit, cursor=cursor, state=status)
    return _render_page(page)


@router.get("/endpoints/{endpoint_id}/deliveries", responses={**NOT_FOUND, **_PAGED})
async def list_webhook_endpoint_deliveries(
    house: House,
    principal: WebhookReader,
    endpoint_id: str,
    limit: _Limit = 20,
    cursor: _Cursor = None,
    status: DeliveryState | None = None,
) -> DeliveryList:
    """List the deliveries to an endpoint, newest first."""
    store = house.resources.store
    endpoint = await get_endpoint(store, principal.owner, endpoint_id)
    page = await list_deliveries(
        store, principal.owner, limit=limit, cursor=cursor, state=status, endpoint=endpoint.id
    )
    return _render_page(page)


@router.get("/deliveries/{delivery_id}", responses={**NOT_FOUND, **PROBLEMS})
async def get_webhook_delivery(
    house: House, principal: WebhookReader, delivery_id: str
) -> DeliveryDetail:
    """Show one delivery: what was sent, and what the receiver answered to each try."""
    store = house.resources.store
    delivery = await get_delivery(store, principal.owner, delivery_id)
    return render_detail(delivery, await list_attempts(store, delivery.id))


@router.post(
    "/deliveries/{delivery_id}/replay",
    status_code=202,
    responses={409: BODY_PROBLEMS[409], **NOT_FOUND, **PROBLEMS},
)
async def replay_webhook_delivery(
    house: House, principal: WebhookWriter, delivery_id: str
) -> DeliveryResponse:
    """Send a delivery again, with the same `webhook-id` and fresh links and signature."""
    store = house.resources.store
    return render_delivery(await replay_delivery(store, principal.owner, delivery_id))


@router.post(
    "/endpoints/{endpoint_id}/replay",
    status_code=202,
    responses={**BODY_PROBLEMS, **NOT_FOUND, **PROBLEMS},
)
async def replay_webhook_events(
    house: House, principal: WebhookWriter, endpoint_id: str, body: ReplayRequest
) -> ReplayResponse:
    """Send an endpoint what happened in a stretch of time and it missed, or all of it.

    Also what it was never sent, because it was disabled or did not exist yet.
    """
    replay = await replay_events(
        house.resources.store,
        principal.owner,
        endpoint_id,
        since=body.since,
        until=body.until or get_now(),
        only_missed=body.only_missed,
    )
    return ReplayResponse(sent=replay.sent, complete=replay.is_whole)


def _render_page(page: Page[Delivery]) -> DeliveryList:
    deliveries = [render_delivery(one) for one in page.items]
    return DeliveryList(deliveries=deliveries, next_cursor=page.next_cursor)
