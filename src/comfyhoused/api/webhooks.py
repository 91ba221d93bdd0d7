"""/webhooks: endpoints that are told what happens, and the secrets that sign it."""

from fastapi import APIRouter

from comfyhoused.api.documented_problems import BODY_PROBLEMS, NOT_FOUND, PROBLEMS
from comfyhoused.api.house import House, Principal, WebhookReader, WebhookWriter
from comfyhoused.api.webhook_events import emit_test
from comfyhoused.api.webhook_rendering import render_delivery, render_endpoint, render_secrets
from comfyhoused.api.webhook_schemas import (
    DeliveryResponse,
    EndpointChange,
    EndpointCreated,
    EndpointList,
    EndpointRequest,
    EndpointResponse,
    RotateSecretRequest,
    SecretList,
)
from comfyhoused.api.webhook_urls import check_webhook_url
from comfyhoused.core.webhooks.deliveries import get_delivery, make_delivery_id
from comfyhoused.core.webhooks.endpoints import (
    EndpointDisabled,
    change_endpoint,
    create_endpoint,
    delete_endpoint,
    get_endpoint,
    list_endpoint_secrets,
    list_endpoints,
    list_owner_secrets,
    rotate_endpoint_secret,
    rotate_owner_secret,
)

MOST_ENDPOINTS = 10

router = APIRouter(prefix="/webhooks", tags=["Webhooks"])


@router.post("/endpoints", status_code=201, responses={**BODY_PROBLEMS, **PROBLEMS})
async def create_webhook_endpoint(
    house: House, principal: WebhookWriter, body: EndpointRequest
) -> EndpointCreated:
    """Make an endpoint. The answer has the secret that its signatures are checked with."""
    store = house.resources.store
    endpoint = await create_endpoint(
        store,
        principal.owner,
        check_webhook_url(house, principal.plan, body.url, pointer="/url"),
        description=body.description,
        events=body.events,
        most=MOST_ENDPOINTS,
    )
    secrets = await _list_secrets(house, principal, endpoint.id)
    return EndpointCreated(
        **render_endpoint(endpoint).model_dump(), secret=secrets.secrets[0].secret
    )


@router.get("/endpoints", responses=PROBLEMS)
async def list_webhook_endpoints(house: House, principal: WebhookReader) -> EndpointList:
    """List your endpoints."""
    endpoints = await list_endpoints(house.resources.store, principal.owner)
    return EndpointList(endpoints=[render_endpoint(one) for one in endpoints])


@router.get("/endpoints/{endpoint_id}", responses={**NOT_FOUND, **PROBLEMS})
async def get_webhook_endpoint(
    house: House, principal: WebhookReader, endpoint_id: str
) -> EndpointResponse:
    """Show one endpoint."""
    return render_endpoint(await get_endpoint(house.resources.store, principal.owner, endpoint_id))


@router.patch("/endpoints/{endpoint_id}", responses={**BODY_PROBLEMS, **NOT_FOUND, **PROBLEMS})
async def change_webhook_endpoint(
    house: House, principal: WebhookWriter, endpoint_id: str, body: EndpointChange
) -> EndpointResponse:
    """Change an endpoint, disable or enable it. Disabled, it can be sent later what it missed."""
    url = body.url
    if url is not None:
        url = check_webhook_url(house, principal.plan, url, pointer="/url")
    if body.enabled:
        house.plans.require_feature(principal.plan, "webhooks")
    changed = await change_endpoint(
        house.resources.store,
        principal.owner,
        endpoint_id,
        url=url,
        description=body.description,
        events=body.events,
        is_enabled=body.enabled,
    )
    return render_endpoint(changed)


@router.delete("/endpoints/{endpoint_id}", status_code=204, responses={**NOT_FOUND, **PROBLEMS})
async def delete_webhook_endpoint(house: House, principal: WebhookWriter, endpoint_id: str) -> None:
    """Delete an endpoint. What waits for it is not sent; its log stays for its time."""
    await delete_endpoint(house.resources.store, principal.owner, endpoint_id)


@router.get("/endpoints/{endpoint_id}/secret", responses={**NOT_FOUND, **PROBLEMS})
async def get_webhook_endpoint_secret(
    house: House, principal: WebhookWriter, endpoint_id: str
) -> SecretList:
    """Show the secrets that sign for an endpoint; reading them needs the scope to write."""
    return await _list_secrets(house, principal, endpoint_id)


@router.post(
    "/endpoints/{endpoint_id}/rotate-secret",
    responses={**BODY_PROBLEMS, **NOT_FOUND, **PROBLEMS},
)
async def rotate_webhook_endpoint_secret(
    house: House,
    principal: WebhookWriter,
    endpoint_id: str,
    body: RotateSecretRequest | None = None,
) -> SecretList:
    """Make a new secret for an endpoint. The present one signs beside it until the overlap ends."""
    overlap_seconds = (body or RotateSecretRequest()).overlap_seconds
    await rotate_endpoint_secret(
        house.resources.store, principal.owner, endpoint_id, overlap_seconds=overlap_seconds
    )
    return await _list_secrets(house, principal, endpoint_id)


@router.post(
    "/endpoints/{endpoint_id}/test",
    status_code=202,
    responses={409: BODY_PROBLEMS[409], **NOT_FOUND, **PROBLEMS},
)
async def test_webhook_endpoint(
    house: House, principal: WebhookWriter, endpoint_id: str
) -> DeliveryResponse:
    """Send a test event to an endpoint, in one try. Its delivery says how it went."""
    store = house.resources.store
    endpoint = await get_endpoint(store, principal.owner, endpoint_id)
    if not endpoint.is_enabled:
        raise EndpointDisabled("Enable it with PATCH first.")
    event_id = await emit_test(house.resources, endpoint)
    delivery_id = make_delivery_id(event_id, endpoint.id)
    return render_delivery(await get_delivery(store, principal.owner, delivery_id))


@router.get("/secret", responses=PROBLEMS)
async def get_webhook_secret(house: House, principal: WebhookWriter) -> SecretList:
    """Show the secrets that sign for the `webhook_url` of single jobs."""
    return await _list_own_secrets(house, principal)


@router.post("/secret/rotate", responses={**BODY_PROBLEMS, **PROBLEMS})
async def rotate_webhook_secret(
    house: House, principal: WebhookWriter, body: RotateSecretRequest | None = None
) -> SecretList:
    """Make a new secret for the `webhook_url` of single jobs.

    The present one signs beside it until the overlap ends.
    """
    overlap_seconds = (body or RotateSecretRequest()).overlap_seconds
    store = house.resources.store
    await rotate_owner_secret(store, principal.owner, overlap_seconds=overlap_seconds)
    return await _list_own_secrets(house, principal)


async def _list_secrets(house: House, principal: Principal, endpoint_id: str) -> SecretList:
    resources = house.resources
    secret = resources.settings.house.secret.get_secret_value().encode()
    return render_secrets(
        await list_endpoint_secrets(resources.store, secret, principal.owner, endpoint_id)
    )


async def _list_own_secrets(house: House, principal: Principal) -> SecretList:
    resources = house.resources
    secret = resources.settings.house.secret.get_secret_value().encode()
    return render_secrets(await list_owner_secrets(resources.store, secret, principal.owner))
