"""A picture in one call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from comfyhouse._async.jobs import AsyncJobs
from comfyhouse._async.transport import AsyncTransport
from comfyhouse.errors import make_job_error
from comfyhouse.schema import Job


class AsyncPictures:
    """`generate` and `upscale`: they return when the picture is there."""

    def __init__(self, transport: AsyncTransport, jobs: AsyncJobs) -> None:
        self._transport = transport
        self._jobs = jobs

    async def generate(
        self,
        prompt: str,
        *,
        timeout: float = 600,
        idempotency_key: str | None = None,
        **parameters: Any,
    ) -> Job:
        """Make a picture; every parameter of POST /generate may be named.

        The server is asked to hold the answer for a minute; a longer job is then followed.
        Raises JobFailed where it ends without a picture, TimeoutError after `timeout` seconds
        (the job goes on: look at it with `jobs.get`).
        """
        body = {"prompt": prompt, **parameters}
        return await self._make("/generate", body, timeout, idempotency_key)

    async def upscale(
        self,
        image: str,
        *,
        factor: int = 2,
        timeout: float = 600,
        idempotency_key: str | None = None,
        **parameters: Any,
    ) -> Job:
        """Enlarge a picture (a file id, https URL or data URI) 2 or 4 times; see `generate`."""
        body = {"image": image, "factor": factor, **parameters}
        return await self._make("/upscale", body, timeout, idempotency_key)

    async def _make(
        self, path: str, body: Mapping[str, Any], timeout: float, idempotency_key: str | None
    ) -> Job:
        held = int(max(0, min(timeout, 60)))
        response = await self._transport.request(
            "POST",
            path,
            json=body,
            headers={"Prefer": f"wait={held}"},
            idempotency_key=idempotency_key,
            is_keyed=True,
            timeout=held + 30,
        )
        job = Job.model_validate(response.json())
        if not job.is_over:
            return await self._jobs.wait(job.job_id, timeout=max(timeout - held, 1))
        if job.status != "succeeded":
            raise make_job_error(job.job_id, job.error or {"code": f"job_{job.status}"})
        return job
