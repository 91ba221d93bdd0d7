"""Makes a picture the way a customer would: through the public HTTP API, and nothing else."""

import asyncio
import json
import os
import time
from pathlib import Path
from typing import Any, Self

import aiohttp

PROMPT = "a lighthouse on a cliff above a calm sea at dusk"

_TERMINAL = {"succeeded", "failed", "canceled", "expired"}
_WAIT_SECONDS = 60
_LONGEST_SECONDS = 600.0
_PAUSE_SECONDS = 0.25
_CHUNK_BYTES = 65536


class NoPicture(Exception):
    """The API did not make the picture; the text is what it answered."""


class Customer:
    """A customer with one key: asks for a picture, waits for it, downloads it."""

    def __init__(self, url: str, key: str) -> None:
        timeout = aiohttp.ClientTimeout(total=_WAIT_SECONDS + 30)
        headers = {"Authorization": f"Bearer {key}"}
        self._url = url
        self._session = aiohttp.ClientSession(timeout=timeout, headers=headers)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self._session.close()

    async def is_known(self) -> bool:
        """Tell whether the key still opens the door."""
        async with self._session.get(f"{self._url}/api/v1/jobs") as answer:
            return answer.status == 200

    async def make_picture(self, prompt: str, place: Path) -> None:
        """Save the picture of the prompt; raises NoPicture with the reason in the API's words."""
        job = await self._finish(await self._ask(prompt))
        images = job.get("images") or []
        if job["status"] != "succeeded" or not images:
            raise NoPicture(_explain(job.get("error") or job))
        await self._save(str(images[0]["url"]), place)

    async def _ask(self, prompt: str) -> dict[str, Any]:
        headers = {"Prefer": f"wait={_WAIT_SECONDS}"}
        address = f"{self._url}/api/v1/generate"
        async with self._session.post(address, json={"prompt": prompt}, headers=headers) as answer:
            return await _read(answer)

    async def _finish(self, job: dict[str, Any]) -> dict[str, Any]:
        deadline = time.monotonic() + _LONGEST_SECONDS
        while job["status"] not in _TERMINAL:
            if time.monotonic() > deadline:
                raise NoPicture(f"job {job['job_id']} is still {job['status']}")
            await asyncio.sleep(_PAUSE_SECONDS)
            address = f"{self._url}/api/v1/jobs/{job['job_id']}"
            async with self._session.get(address) as answer:
                job = await _read(answer)
        return job

    async def _save(self, address: str, place: Path) -> None:
        url = address if "://" in address else f"{self._url}{address}"
        part = place.with_name(f".{place.name}.{os.getpid()}")
        # A signed link needs no key, and a store that is not ours must not see it.
        async with (
            aiohttp.ClientSession(timeout=self._session.timeout) as stranger,
            stranger.get(url) as answer,
        ):
            if answer.status != 200:
                raise NoPicture(f"its link answered {answer.status}")
            with part.open("wb") as file:
                async for chunk in answer.content.iter_chunked(_CHUNK_BYTES):
                    file.write(chunk)
        part.replace(place)


async def _read(answer: aiohttp.ClientResponse) -> dict[str, Any]:
    try:
        document = json.loads(await answer.read())
    except ValueError as error:
        raise NoPicture(f"the API answered {answer.status} and no JSON") from error
    if not isinstance(document, dict) or answer.status >= 400:
        raise NoPicture(_explain(document if isinstance(document, dict) else {}))
    return document


def _explain(problem: dict[str, Any]) -> str:
    text = str(problem.get("detail") or problem.get("title") or problem.get("status") or "unknown")
    return f"{text} ({problem['code']})" if problem.get("code") else text
