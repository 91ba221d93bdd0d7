"""Getting a file from a customer's address: every redirect checked, every byte counted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import aiohttp

from comfyhoused.kit.http.errors import UrlFailed, UrlTooLarge
from comfyhoused.kit.http.exchange import get_deadline, open_exchange, translate_failures
from comfyhoused.kit.http.guard import FETCH_PORTS, Guard
from comfyhoused.kit.http.url import Url, join_url, parse_url

_MAX_REDIRECTS = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CHUNK_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """Bytes of the body and seconds of everything, redirects and the reading included."""

    max_bytes: int
    timeout_seconds: float
    ports: frozenset[int] = FETCH_PORTS


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer whose body is still to be read, once.

    `content_type` and `size_bytes` are what the server says of it: believe neither.
    """

    url: str
    content_type: str | None
    size_bytes: int | None
    chunks: AsyncIterator[bytes]


@asynccontextmanager
async def open_fetch(guard: Guard, url: str, limits: FetchLimits) -> AsyncIterator[Fetched]:
    """Open what an address serves, following at most three redirects.

    Entering raises UrlRefused, UrlFailed (UrlUnreachable, UrlTimedOut, UrlCertificateRefused)
    and UrlTooLarge; reading `chunks` raises the latter two groups.
    """
    deadline = get_deadline(limits.timeout_seconds)
    async with AsyncExitStack() as stack:
        with translate_failures(limits.timeout_seconds):
            async with asyncio.timeout_at(deadline):
                final, answer = await _follow(guard, parse_url(url), limits, stack)
        _check_head(answer, limits.max_bytes)
        yield Fetched(
            url=str(final),
            content_type=answer.headers.get("Content-Type"),
            size_bytes=answer.content_length,
            chunks=_read(answer, limits, deadline),
        )


async def _follow(
    guard: Guard, url: Url, limits: FetchLimits, stack: AsyncExitStack
) -> tuple[Url, aiohttp.ClientResponse]:
    """Return the first answer that is no redirect; the stack closes it."""
    for _ in range(_MAX_REDIRECTS + 1):
        route = await guard.find_route(url, limits.ports)
        hop = AsyncExitStack()
        await stack.enter_async_context(hop)
        answer = await hop.enter_async_context(
            open_exchange(route, "GET", tls=guard.tls, headers={"Accept": "image/*, */*;q=0.1"})
        )
        if answer.status not in _REDIRECTS:
            return url, answer
        location = answer.headers.get("Location", "")
        await hop.aclose()
        url = join_url(url, location)
    raise UrlFailed(f"It redirects more than {_MAX_REDIRECTS} times.")


def _check_head(answer: aiohttp.ClientResponse, max_bytes: int) -> None:
    if answer.status != 200:
        raise UrlFailed(f"It answered {answer.status} instead of 200.")
    # We asked for none: a few bytes could unpack to very many.
    if answer.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise UrlFailed("It answered with packed content (Content-Encoding).")
    if answer.content_length is not None and answer.content_length > max_bytes:
        raise _make_too_large(max_bytes)


async def _read(
    answer: aiohttp.ClientResponse, limits: FetchLimits, deadline: float
) -> AsyncIterator[bytes]:
    count = 0
    while True:
        with translate_failures(limits.timeout_seconds):
            async with asyncio.timeout_at(deadline):
                chunk = await answer.content.read(_CHUNK_BYTES)
        if not chunk:
            return
        count += len(chunk)
        if count > limits.max_bytes:
            raise _make_too_large(limits.max_bytes)
        yield chunk


def _make_too_large(max_bytes: int) -> UrlTooLarge:
    return UrlTooLarge(f"At most {max_bytes:,} bytes are taken.")
