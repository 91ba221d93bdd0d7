"""Batches: up to a thousand jobs at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from comfyhouse._async.streams import follow_stream
from comfyhouse._async.transport import AsyncTransport
from comfyhouse.answers import Event, Page, read_page
from comfyhouse.schema import Batch, BatchRetried, Job


class AsyncBatches:
    """The resource `/batches`."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def submit(
        self,
        jobs: Sequence[Mapping[str, Any]] | None = None,
        *,
        template: Mapping[str, Any] | None = None,
        inputs: Sequence[Mapping[str, Any]] | None = None,
        idempotency_key: str | None = None,
        **options: Any,
    ) -> Batch:
        """Submit a list of jobs, or one `template` with every one of `inputs` laid over it."""
        named = {"jobs": jobs, "template": template, "inputs": inputs}
        body = {**options, **{name: value for name, value in named.items() if value is not None}}
        response = await self._transport.request(
            "POST", "/batches", json=body, idempotency_key=idempotency_key, is_keyed=True
        )
        return Batch.model_validate(response.json())

    async def get(self, batch_id: str) -> Batch:
        """Return a batch with its counts."""
        response = await self._transport.request("GET", f"/batches/{batch_id}")
        return Batch.model_validate(response.json())

    async def list(self, *, limit: int = 20, cursor: str | None = None) -> Page[Batch]:
        """Return one page of batches, newest first."""
        query = {"limit": limit, "cursor": cursor}
        body = (await self._transport.request("GET", "/batches", query=query)).json()
        return read_page(Batch, body, "batches")

    async def list_jobs(
        self,
        batch_id: str,
        *,
        limit: int = 20,
        cursor: str | None = None,
        status: str | None = None,
    ) -> Page[Job]:
        """Return one page of a batch's jobs, in its own order."""
        query = {"limit": limit, "cursor": cursor, "status": status}
        response = await self._transport.request("GET", f"/batches/{batch_id}/jobs", query=query)
        return read_page(Job, response.json(), "jobs")

    async def cancel(self, batch_id: str) -> Batch:
        """Cancel what is not over; harmless where all is."""
        response = await self._transport.request("POST", f"/batches/{batch_id}/cancel")
        return Batch.model_validate(response.json())

    async def retry(self, batch_id: str) -> BatchRetried:
        """Submit what failed, was canceled or expired once more."""
        response = await self._transport.request("POST", f"/batches/{batch_id}/retry")
        return BatchRetried.model_validate(response.json())

    async def erase(self, batch_id: str) -> None:
        """Erase a batch with its jobs, prompts and outputs for good."""
        await self._transport.request("DELETE", f"/batches/{batch_id}")

    async def download(self, batch_id: str, target: str | Path) -> int:
        """Write all outputs as one ZIP; returns its bytes."""
        size = 0
        async with self._transport.stream("GET", f"/batches/{batch_id}/archive") as response:
            with Path(target).open("wb") as stream:
                async for chunk in response.aiter_bytes():
                    size += stream.write(chunk)
        return size

    async def follow(self, batch_id: str) -> AsyncIterator[Event]:
        """Yield how a batch goes on until it is over; reconnects where the stream breaks."""
        path = f"/batches/{batch_id}/events"
        async for event in follow_stream(self._transport, path, {"batch.completed"}):
            yield event

    async def wait(self, batch_id: str, *, timeout: float = 3600) -> Batch:
        """Return the batch when every job is over, however it ended; raises TimeoutError."""
        end = time.monotonic() + timeout
        pause = 0.2
        while True:
            batch = await self.get(batch_id)
            if batch.finished_at is not None:
                return batch
            if time.monotonic() >= end:
                raise TimeoutError(f"batch {batch_id} is not over after {timeout:g} s")
            await asyncio.sleep(min(pause, max(end - time.monotonic(), 0.05)))
            pause = min(pause * 1.5, 5.0)
