"""A customer of the house: one key, plain HTTP and server-sent events."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from bench.graphs import Graph

_ENDS = {"job.succeeded", "job.failed", "job.canceled", "job.expired"}
Job = dict[str, Any]


class Customer:
    """What a program does with the public API."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = f"{url}/api/v1"

    async def submit(self, graph: Graph) -> str:
        """Hand in a workflow; returns the job's id once it is accepted for good."""
        async with self._session.post(f"{self._url}/jobs", json={"workflow": graph}) as answer:
            document = await answer.json()
            assert answer.status == 202, document
            return str(document["job_id"])

    async def follow(self, job_id: str) -> None:
        """Read the progress stream until the job has succeeded."""
        async with self._session.get(f"{self._url}/jobs/{job_id}/events") as answer:
            assert answer.status == 200, await answer.text()
            async for line in answer.content:
                name, _, value = line.decode().rstrip("\r\n").partition(": ")
                if name == "event" and value in _ENDS:
                    assert value == "job.succeeded", await self.get(job_id)
                    return
        raise AssertionError(f"the stream of job {job_id} ended early")

    async def get(self, job_id: str) -> Job:
        """Return the job."""
        async with self._session.get(f"{self._url}/jobs/{job_id}") as answer:
            assert answer.status == 200, await answer.text()
            job: Job = await answer.json()
            return job

    async def download(self, job: Job) -> list[bytes]:
        """Return the bytes of the job's outputs, by their links."""
        pictures = []
        for output in job["outputs"]:
            async with self._session.get(output["url"]) as answer:
                assert answer.status == 200, answer.status
                pictures.append(await answer.read())
        return pictures

    async def upload(self, picture: bytes) -> str:
        """Send in a picture; returns its file id."""
        headers = {"Content-Type": "image/png"}
        address = f"{self._url}/files"
        async with self._session.post(address, data=picture, headers=headers) as answer:
            document = await answer.json()
            assert answer.status == 201, document
            return str(document["file_id"])

    async def generate(self, **parameters: object) -> Job:
        """Make a picture in one call that waits for it."""
        headers = {"Prefer": "wait=60"}
        address = f"{self._url}/generate"
        async with self._session.post(address, json=parameters, headers=headers) as answer:
            job: Job = await answer.json()
            assert answer.status == 200, job
            return job


@asynccontextmanager
async def open_customer(url: str, key: str) -> AsyncIterator[Customer]:
    """Open a session with a key."""
    headers = {"Authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        yield Customer(session, url)
