# Written from comfyhouse/_async by `make docs`: change it there.
"""Batches: up to a thousand jobs at once."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from comfyhouse._sync.streams import follow_stream
from comfyhouse._sync.transport import Transport
from comfyhouse.answers import Event, Page, read_page
from comfyhouse.schema import Batch, BatchRetried, Job


class Batches:
    """The resource `/batches`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def submit(
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
        response = self._transport.request(
            "POST", "/batches", json=body, idempotency_key=idempotency_key, is_keyed=True
        )
        return Batch.model_validate(response.json())

    def get(self, batch_id: str) -> Batch:
        """Return a batch with its counts."""
        response = self._transport.request("GET", f"/batches/{batch_id}")
        return Batch.model_validate(response.json())

    def list(self, *, limit: int = 20, cursor: str | None = None) -> Page[Batch]:
        """Return one page of batches, newest first."""
        query = {"limit": limit, "cursor": cursor}
        body = (self._transport.request("GET", "/batches", query=query)).json()
        return read_page(Batch, body, "batches")

    def list_jobs(
        self,
        batch_id: str,
        *,
        limit: int = 20,
        cursor: str | None = None,
        status: str | None = None,
    ) -> Page[Job]:
        """Return one page of a batch's jobs, in its own order."""
        query = {"limit": limit, "cursor": cursor, "status": status}
        response = self._transport.request("GET", f"/batches/{batch_id}/jobs", query=query)
        return read_page(Job, response.json(), "jobs")

    def cancel(self, batch_id: str) -> Batch:
        """Cancel what is not over; harmless where all is."""
        response = self._transport.request("POST", f"/batches/{batch_id}/cancel")
        return Batch.model_validate(response.json())

    def retry(self, batch_id: str) -> BatchRetried:
        """Submit what failed, was canceled or expired once more."""
        response = self._transport.request("POST", f"/batches/{batch_id}/retry")
        return BatchRetried.model_validate(response.json())

    def erase(self, batch_id: str) -> None:
        """Erase a batch with its jobs, prompts and outputs for good."""
        self._transport.request("DELETE", f"/batches/{batch_id}")

    def download(self, batch_id: str, target: str | Path) -> int:
        """Write all outputs as one ZIP; returns its bytes."""
        size = 0
        with self._transport.stream("GET", f"/batches/{batch_id}/archive") as response:
            with Path(target).open("wb") as stream:
                for chunk in response.iter_bytes():
                    size += stream.write(chunk)
        return size

    def follow(self, batch_id: str) -> Iterator[Event]:
        """Yield how a batch goes on until it is over; reconnects where the stream breaks."""
        path = f"/batches/{batch_id}/events"
        for event in follow_stream(self._transport, path, {"batch.completed"}):
            yield event

    def wait(self, batch_id: str, *, timeout: float = 3600) -> Batch:
        """Return the batch when every job is over, however it ended; raises TimeoutError."""
        end = time.monotonic() + timeout
        pause = 0.2
        while True:
            batch = self.get(batch_id)
            if batch.finished_at is not None:
                return batch
            if time.monotonic() >= end:
                raise TimeoutError(f"batch {batch_id} is not over after {timeout:g} s")
            time.sleep(min(pause, max(end - time.monotonic(), 0.05)))
            pause = min(pause * 1.5, 5.0)
