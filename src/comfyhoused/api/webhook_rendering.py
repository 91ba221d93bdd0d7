"""Endpoints and deliveries as the API shows them."""

from collections.abc import Sequence

from comfyhoused.api.webhook_schemas import (
    AttemptResponse,
    DeliveryDetail,
    DeliveryResponse,
    EndpointResponse,
    SecretList,
    SecretResponse,
)
from comfyhoused.core.webhooks.deliveries import Attempt, Delivery
from comfyhoused.core.webhooks.endpoints import Endpoint
from comfyhoused.core.webhooks.signing import LiveSecret


def render_endpoint(endpoint: Endpoint) -> EndpointResponse:
    """Return an endpoint without its secrets."""
    return EndpointResponse(
        endpoint_id=endpoint.id,
        url=endpoint.url,
        description=endpoint.description,
        events=list(endpoint.events),
        enabled=endpoint.is_enabled,
        disabled_reason=endpoint.disabled_reason or None,
        failing_since=endpoint.failing_since,
        delivered_at=endpoint.delivered_at,
        created_at=endpoint.created_at,
    )


def render_secrets(live: Sequence[LiveSecret]) -> SecretList:
    """Return the secrets that sign now."""
    return SecretList(
        secrets=[SecretResponse(secret=one.secret, expires_at=one.expires_at) for one in live]
    )


def render_delivery(delivery: Delivery) -> DeliveryResponse:
    """Return a delivery as a row of the log."""
    return DeliveryResponse(
        delivery_id=delivery.id,
        event_id=delivery.event_id,
        type=delivery.type,
        endpoint_id=delivery.endpoint or None,
        url=delivery.url or None,
        status=delivery.state,
        reason=delivery.reason or None,
        attempts=delivery.attempts,
        created_at=delivery.created_at,
        next_attempt_at=delivery.due_at,
        ended_at=delivery.ended_at,
    )


def render_detail(delivery: Delivery, attempts: Sequence[Attempt]) -> DeliveryDetail:
    """Return a delivery with all its tries."""
    return DeliveryDetail(
        **render_delivery(delivery).model_dump(),
        request_body=delivery.body,
        log=[
            AttemptResponse(
                number=one.number,
                at=one.at,
                status=one.status,
                error_code=one.error_code,
                detail=one.detail,
                duration_seconds=one.duration_seconds,
                answer=one.answer,
            )
            for one in attempts
        ],
    )
