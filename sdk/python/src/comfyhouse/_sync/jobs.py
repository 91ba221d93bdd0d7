# Written from comfyhouse/_async by `make docs`: change it there.
"""Jobs: submit, look, list, follow, wait, cancel, erase."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from comfyhouse._sync.streams import follow_stream
from comfyhouse._sync.transport import Transport
from comfyhouse.answers import TERMINAL, Event, Page, read_page
from comfyhouse.errors import make_job_error
from comfyhouse.schema import Job


class Jobs:
    """The resource `/jobs`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def submit(
        self,
        prompt: str | None = None,
        *,
        workflow: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
        **parameters: Any,
    ) -> Job:
        """Submit a picture (`prompt` …) or a ComfyUI graph (`workflow`) and return at once."""
        body: dict[str, Any] = dict(parameters)
        if prompt is not None:
            body["prompt"] = prompt
        if workflow is not None:
            body["workflow"] = dict(workflow)
        response = self._transport.request(
            "POST", "/jobs", json=body, idempotency_key=idempotency_key, is_keyed=True
        )
        return Job.model_validate(response.json())

    def get(self, job_id: str) -> Job:
        """Return a job; its links are fresh."""
        return Job.model_validate((self._transport.request("GET", f"/jobs/{job_id}")).json())

    def list(
        self, *, limit: int = 20, cursor: str | None = None, status: str | None = None
    ) -> Page[Job]:
        """Return one page of jobs, newest first."""
        query = {"limit": limit, "cursor": cursor, "status": status}
        body = (self._transport.request("GET", "/jobs", query=query)).json()
        return read_page(Job, body, "jobs")

    def list_all(self, *, status: str | None = None) -> Iterator[Job]:
        """Yield every job, newest first, page by page."""
        cursor: str | None = None
        while True:
            page = self.list(limit=100, cursor=cursor, status=status)
            for job in page.items:
                yield job
            cursor = page.next_cursor
            if cursor is None:
                return

    def cancel(self, job_id: str) -> Job:
        """Cancel a job; harmless where it is over. It costs nothing."""
        response = self._transport.request("POST", f"/jobs/{job_id}/cancel")
        return Job.model_validate(response.json())

    def erase(self, job_id: str) -> None:
        """Erase a job, its prompt and its outputs for good."""
        self._transport.request("DELETE", f"/jobs/{job_id}")

    def follow(self, job_id: str) -> Iterator[Event]:
        """Yield what happens to a job until it is over; reconnects where the stream breaks.

        After a reconnection nothing is missed or told twice, but for previews and progress.
        """
        last = {f"job.{status}" for status in TERMINAL}
        for event in follow_stream(self._transport, f"/jobs/{job_id}/events", last):
            yield event

    def wait(self, job_id: str, *, timeout: float = 600) -> Job:
        """Return the job when it has succeeded.

        Raises JobFailed where it ended otherwise, TimeoutError after `timeout` seconds.
        """
        end = time.monotonic() + timeout
        pause = 0.1
        while True:
            job = self.get(job_id)
            if job.status == "succeeded":
                return job
            if job.is_over:
                raise make_job_error(job_id, job.error or {"code": f"job_{job.status}"})
            if time.monotonic() >= end:
                raise TimeoutError(f"job {job_id} is still {job.status} after {timeout:g} s")
            time.sleep(min(pause, max(end - time.monotonic(), 0.05)))
            pause = min(pause * 1.5, 2.0)
