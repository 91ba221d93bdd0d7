# Written from comfyhouse/_async by `make docs`: change it there.
"""The client: a key, an address, and a resource for every part of the API."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Any

import httpx

from comfyhouse._sync.account import Keys, Spending
from comfyhouse._sync.batches import Batches
from comfyhouse._sync.files import Files
from comfyhouse._sync.jobs import Jobs
from comfyhouse._sync.offers import Offers
from comfyhouse._sync.pictures import Pictures
from comfyhouse._sync.transport import Transport
from comfyhouse._sync.webhooks import Webhooks
from comfyhouse._sync.workflows import Workflows
from comfyhouse.retries import RetryPolicy
from comfyhouse.schema import Estimate, Job

DEFAULT_URL = "http://127.0.0.1:8000"


class Client:
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
        http: httpx.Client | None = None,
    ) -> None:
        self._transport = Transport(
            base_url or os.environ.get("COMFYHOUSE_URL") or DEFAULT_URL,
            api_key or os.environ.get("COMFYHOUSE_API_KEY"),
            timeout=timeout,
            retries=retries or RetryPolicy(),
            http=http,
        )
        self.jobs = Jobs(self._transport)
        self.batches = Batches(self._transport)
        self.files = Files(self._transport)
        self.workflows = Workflows(self._transport)
        self.webhooks = Webhooks(self._transport)
        self.usage = Spending(self._transport)
        self.keys = Keys(self._transport)
        self.offers = Offers(self._transport)
        self._pictures = Pictures(self._transport, self.jobs)

    def generate(self, prompt: str, **parameters: Any) -> Job:
        """Make a picture and wait for it; see `Pictures.generate`."""
        return self._pictures.generate(prompt, **parameters)

    def upscale(self, image: str, **parameters: Any) -> Job:
        """Enlarge a picture and wait for it; see `Pictures.upscale`."""
        return self._pictures.upscale(image, **parameters)

    def estimate(self, **request: Any) -> Estimate:
        """Return units, price and wait of a request, as `jobs.submit` takes it; costs nothing."""
        response = self._transport.request("POST", "/estimate", json=request)
        return Estimate.model_validate(response.json())

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
