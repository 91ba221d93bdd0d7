"""Webhook endpoints, their secrets, their deliveries, and replays."""

from __future__ import annotations

import builtins
from datetime import datetime
from typing import Any

from comfyhouse._async.transport import AsyncTransport
from comfyhouse.answers import Page, read_page
from comfyhouse.schema import (
    Delivery,
    DeliveryDetail,
    Endpoint,
    EndpointCreated,
    Replay,
    Secret,
)


class AsyncWebhooks:
    """The resources below `/webhooks`; `comfyhouse.verify_webhook` checks what arrives."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def create_endpoint(
        self, url: str, *, events: builtins.list[str] | None = None, **more: Any
    ) -> EndpointCreated:
        """Have events sent to an address; `secret` signs them."""
        body = {"url": url, **({} if events is None else {"events": events}), **more}
        response = await self._transport.request("POST", "/webhooks/endpoints", json=body)
        return EndpointCreated.model_validate(response.json())

    async def list_endpoints(self) -> builtins.list[Endpoint]:
        """Return every endpoint."""
        body = (await self._transport.request("GET", "/webhooks/endpoints")).json()
        return [Endpoint.model_validate(one) for one in body["endpoints"]]

    async def get_endpoint(self, endpoint_id: str) -> Endpoint:
        """Return one endpoint."""
        response = await self._transport.request("GET", f"/webhooks/endpoints/{endpoint_id}")
        return Endpoint.model_validate(response.json())

    async def change_endpoint(self, endpoint_id: str, **changes: Any) -> Endpoint:
        """Change the address, the description, the events, or whether it is enabled."""
        path = f"/webhooks/endpoints/{endpoint_id}"
        response = await self._transport.request("PATCH", path, json=changes)
        return Endpoint.model_validate(response.json())

    async def delete_endpoint(self, endpoint_id: str) -> None:
        """Delete an endpoint; what still waits for it is dropped."""
        await self._transport.request("DELETE", f"/webhooks/endpoints/{endpoint_id}")

    async def get_endpoint_secrets(self, endpoint_id: str) -> builtins.list[Secret]:
        """Return the secrets that sign now: one, or two while one is replaced."""
        return await self._read_secrets("GET", f"/webhooks/endpoints/{endpoint_id}/secret", None)

    async def rotate_endpoint_secret(
        self, endpoint_id: str, *, overlap_hours: float | None = None
    ) -> builtins.list[Secret]:
        """Replace the secret; both sign until the overlap is over."""
        path = f"/webhooks/endpoints/{endpoint_id}/rotate-secret"
        return await self._read_secrets("POST", path, overlap_hours)

    async def get_secrets(self) -> builtins.list[Secret]:
        """Return the secrets that sign what goes to a job's own `webhook_url`."""
        return await self._read_secrets("GET", "/webhooks/secret", None)

    async def rotate_secret(self, *, overlap_hours: float | None = None) -> builtins.list[Secret]:
        """Replace the secret of jobs' own `webhook_url`."""
        return await self._read_secrets("POST", "/webhooks/secret/rotate", overlap_hours)

    async def test_endpoint(self, endpoint_id: str) -> Delivery:
        """Send a test event."""
        path = f"/webhooks/endpoints/{endpoint_id}/test"
        return Delivery.model_validate((await self._transport.request("POST", path)).json())

    async def list_deliveries(
        self,
        *,
        endpoint_id: str | None = None,
        status: str | None = None,
        limit: int = 20,
        cursor: str | None = None,
    ) -> Page[Delivery]:
        """Return one page of the delivery log, of one endpoint or of all."""
        path = "/webhooks/deliveries"
        if endpoint_id is not None:
            path = f"/webhooks/endpoints/{endpoint_id}/deliveries"
        query = {"limit": limit, "cursor": cursor, "status": status}
        body = (await self._transport.request("GET", path, query=query)).json()
        return read_page(Delivery, body, "deliveries")

    async def get_delivery(self, delivery_id: str) -> DeliveryDetail:
        """Return a delivery with its body and every attempt."""
        response = await self._transport.request("GET", f"/webhooks/deliveries/{delivery_id}")
        return DeliveryDetail.model_validate(response.json())

    async def replay_delivery(self, delivery_id: str) -> Delivery:
        """Send an event again."""
        path = f"/webhooks/deliveries/{delivery_id}/replay"
        return Delivery.model_validate((await self._transport.request("POST", path)).json())

    async def replay(
        self,
        endpoint_id: str,
        *,
        since: datetime,
        until: datetime | None = None,
        only_missed: bool = False,
    ) -> Replay:
        """Send again what happened in a span of time; `only_missed`: what never arrived."""
        body: dict[str, Any] = {"since": since.isoformat(), "only_missed": only_missed}
        if until is not None:
            body["until"] = until.isoformat()
        path = f"/webhooks/endpoints/{endpoint_id}/replay"
        response = await self._transport.request("POST", path, json=body)
        return Replay.model_validate(response.json())

    async def _read_secrets(
        self, method: str, path: str, overlap_hours: float | None
    ) -> builtins.list[Secret]:
        body = None if overlap_hours is None else {"overlap_hours": overlap_hours}
        answer = (await self._transport.request(method, path, json=body)).json()
        return [Secret.model_validate(one) for one in answer["secrets"]]
