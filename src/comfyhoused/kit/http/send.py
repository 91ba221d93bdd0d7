"""Posting a webhook to a customer's address: one try, no redirect, a short look at the answer."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp

from comfyhoused.kit.errors import ComfyhouseError
from comfyhoused.kit.http.errors import UrlFailed, UrlRefused
from comfyhoused.kit.http.exchange import get_deadline, open_exchange, translate_failures
from comfyhoused.kit.http.guard import WEBHOOK_PORTS, Guard

MAX_EXCERPT_BYTES = 16_384


@dataclass(frozen=True, slots=True)
class Answer:
    """How one delivery went.

    `status` is the receiver's, None where none came; then `error` says why (its `code` is
    permanent: url_refused, url_unreachable, url_timed_out, url_certificate_refused, url_failed).
    `excerpt` is the beginning of the answer's body as text.
    """

    status: int | None
    excerpt: str
    duration_seconds: float
    error: ComfyhouseError | None = None

    @property
    def is_accepted(self) -> bool:
        """The receiver said 2xx."""
        return self.status is not None and 200 <= self.status < 300


async def send(
    guard: Guard,
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    timeout_seconds: float,
    ports: frozenset[int] = WEBHOOK_PORTS,
) -> Answer:
    """Post a body. Whatever the receiver does is in the answer; nothing is raised for it.

    The time covers all of it; a status that arrived counts, even if the body dawdles.
    """
    started = time.monotonic()
    attempt = _Attempt()
    error: ComfyhouseError | None = None
    try:
        with translate_failures(timeout_seconds):
            async with asyncio.timeout_at(get_deadline(timeout_seconds)):
                await attempt.run(guard, url, body, headers, ports)
    except (UrlRefused, UrlFailed) as failure:
        error = failure if attempt.status is None else None
    duration = time.monotonic() - started
    return Answer(attempt.status, _write_excerpt(bytes(attempt.content)), duration, error)


class _Attempt:
    """What has arrived so far: it is kept when the rest is cut off."""

    def __init__(self) -> None:
        self.status: int | None = None
        self.content = bytearray()

    async def run(
        self,
        guard: Guard,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        ports: frozenset[int],
    ) -> None:
        route = await guard.check(url, ports)
        async with open_exchange(
            route, "POST", tls=guard.tls, headers=headers, body=body
        ) as answer:
            self.status = answer.status
            await self._read(answer)

    async def _read(self, answer: aiohttp.ClientResponse) -> None:
        while (room := MAX_EXCERPT_BYTES - len(self.content)) > 0:
            chunk = await answer.content.read(room)
            if not chunk:
                return
            self.content += chunk


def _write_excerpt(content: bytes) -> str:
    text = content.decode("utf-8", errors="replace")
    return "".join(char if char.isprintable() or char in "\n\t" else "\ufffd" for char in text)
