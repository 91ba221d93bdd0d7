"""HTTP to one server: one session, time limits, size limits, failures in our own words."""

import errno
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import aiohttp
from yarl import URL

from comfyhoused.adapters.comfyui.documents import parse_json
from comfyhoused.adapters.comfyui.errors import BackendBroken, BackendUnreachable

MAX_JSON_BYTES = 64 * 1024 * 1024
_GATEWAY_STATUSES = (502, 503, 504)  # a proxy before the server answers for it
_KEEP_ALIVE_SECONDS = 30  # below the 75 s after which the server closes


class Wire:
    """Requests to one server over kept connections; redirects are never followed."""

    def __init__(self, base_url: str, *, timeout_seconds: float) -> None:
        self.base_url = base_url.rstrip("/")
        self.timeout_seconds = timeout_seconds
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(
        self,
        method: str,
        path: str,
        *,
        timeout: aiohttp.ClientTimeout | None = None,
        **options: Any,
    ) -> aiohttp.ClientResponse:
        """Send one request and return its answer, which the caller must release.

        `path` is percent-encoded. Raises BackendUnreachable.
        """
        url = URL(self.base_url + path, encoded=True)
        limits = timeout or aiohttp.ClientTimeout(total=self.timeout_seconds)
        with translating_failures():
            response = await self._open_session().request(
                method, url, timeout=limits, allow_redirects=False, **options
            )
        if response.status in _GATEWAY_STATUSES:
            response.release()
            raise BackendUnreachable(f"A gateway answered {response.status} for it.")
        return response

    @asynccontextmanager
    async def request(
        self,
        method: str,
        path: str,
        *,
        timeout: aiohttp.ClientTimeout | None = None,
        **options: Any,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Like `send`, for a block that only reads the answer."""
        response = await self.send(method, path, timeout=timeout, **options)
        try:
            with translating_failures():
                yield response
        finally:
            response.release()

    async def get_json(self, path: str) -> object:
        """Return the JSON of a GET that must answer 200; raises BackendBroken otherwise."""
        async with self.request("GET", path) as response:
            check_status(response)
            return parse_json(await read_body(response))

    async def post_json(self, path: str, body: bytes) -> None:
        """Send a command whose 200 has no body and says nothing (8)."""
        async with self.request("POST", path, data=body, headers=JSON_HEADERS) as response:
            check_status(response)

    def _open_session(self) -> aiohttp.ClientSession:
        """Sessions belong to the running loop, so the first request makes it, not the init."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_ALIVE_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session


JSON_HEADERS = {"Content-Type": "application/json"}


def check_status(response: aiohttp.ClientResponse) -> None:
    """Raise BackendBroken unless the answer is 200; errors have text bodies, not JSON (4)."""
    if response.status != 200:
        raise BackendBroken(
            f"The ComfyUI server answered {response.status} to "
            f"{response.method} {response.url.path}.",
            http_status=response.status,
        )


async def read_body(response: aiohttp.ClientResponse, limit: int = MAX_JSON_BYTES) -> bytes:
    """Return the body; raises BackendBroken when it is longer than `limit` bytes."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > limit:
            raise BackendBroken(
                f"The ComfyUI server answered with more than {limit} bytes.",
                http_status=response.status,
            )
    return bytes(body)


@contextmanager
def translating_failures() -> Iterator[None]:
    """Turn the failures of aiohttp into BackendUnreachable.

    The details reach customers, so they name no address; the cause keeps it for the log.
    """
    try:
        yield
    except (aiohttp.ClientConnectorError, ConnectionRefusedError) as error:
        refused = error.errno == errno.ECONNREFUSED
        raise BackendUnreachable("No connection could be made.", refused=refused) from error
    except TimeoutError as error:
        raise BackendUnreachable("The server did not answer in time.") from error
    except (aiohttp.ClientError, ConnectionError) as error:
        raise BackendUnreachable(f"The connection broke: {type(error).__name__}.") from error
