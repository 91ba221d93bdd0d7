"""The client: a key, an address, and a resource for every part of the API."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Any

import httpx

from comfyhouse._async.account import AsyncKeys, AsyncSpending
from comfyhouse._async.batches import AsyncBatches
from comfyhouse._async.files import AsyncFiles
from comfyhouse._async.jobs import AsyncJobs
from comfyhouse._async.offers import AsyncOffers
from comfyhouse._async.pictures import AsyncPictures
from comfyhouse._async.transport import AsyncTransport
from comfyhouse._async.webhooks import AsyncWebhooks
from comfyhouse._async.workflows import AsyncWorkflows
from comfyhouse.retries import RetryPolicy
from comfyhouse.schema import Estimate, Job

DEFAULT_URL = "http://127.0.0.1:8000"


class AsyncClient:
    """A client of one Comfyhouse.

    `api_key` and `base_url` default to COMFYHOUSE_API_KEY and COMFYHOUSE_URL. `timeout` is
    that of one request, in seconds.
    """

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        timeout: float = 30,
        retries: RetryPolicy | None = None,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        self._transport = AsyncTransport(
            base_url or os.environ.get("COMFYHOUSE_URL") or DEFAULT_URL,
            api_key or os.environ.get("COMFYHOUSE_API_KEY"),
            timeout=timeout,
            retries=retries or RetryPolicy(),
            http=http,
        )
        self.jobs = AsyncJobs(self._transport)
        self.batches = AsyncBatches(self._transport)
        self.files = AsyncFiles(self._transport)
        self.workflows = AsyncWorkflows(self._transport)
        self.webhooks = AsyncWebhooks(self._transport)
        self.usage = AsyncSpending(self._transport)
        self.keys = AsyncKeys(self._transport)
        self.offers = AsyncOffers(self._transport)
        self._pictures = AsyncPictures(self._transport, self.jobs)

    async def generate(self, prompt: str, **parameters: Any) -> Job:
        """Make a picture and wait for it; see `AsyncPictures.generate`."""
        return await self._pictures.generate(prompt, **parameters)

    async def upscale(self, image: str, **parameters: Any) -> Job:
        """Enlarge a picture and wait for it; see `AsyncPictures.upscale`."""
        return await self._pictures.upscale(image, **parameters)

    async def estimate(self, **request: Any) -> Estimate:
        """Return units, price and wait of a request, as `jobs.submit` takes it; costs nothing."""
        response = await self._transport.request("POST", "/estimate", json=request)
        return Estimate.model_validate(response.json())

    async def aclose(self) -> None:
        """Close the connections."""
        await self._transport.aclose()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()
