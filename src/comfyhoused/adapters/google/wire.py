"""One call to Google: its token, its time and size limits, its refusals and its further tries."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import httpx
import orjson

from comfyhoused.adapters.google.errors import (
    DriveBusy,
    DriveUnreachable,
)
from comfyhoused.adapters.google.pauses import Pauses
from comfyhoused.adapters.google.refusals import make_fault

#: Of one step: connecting, one read, one write. A whole transfer may take far longer.
TIMEOUT = httpx.Timeout(30.0, connect=10.0)
_LARGEST_ANSWER_BYTES = 16_000_000
_LARGEST_REFUSAL_BYTES = 65_536

Parameters = Mapping[str, str | int | bool]
T = TypeVar("T")


class GetToken(Protocol):
    """Returns an access token. `fresh`: the one that it returned last was refused.

    Many may ask at once; where a refresh is under way, or has just been made by another, that
    one's token is what they get. Raises where the user has to connect again.
    """

    async def __call__(self, *, fresh: bool = False) -> str: ...


@dataclass(frozen=True, slots=True)
class Call:
    """A request. `is_safe_twice`: it may be sent again although it may have been carried out.

    `good` are the statuses that are answers; all others are refusals.
    """

    method: str
    url: str
    parameters: Parameters = field(default_factory=dict)
    json: Mapping[str, Any] | None = None
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    is_safe_twice: bool = True
    good: frozenset[int] = frozenset({200, 201, 204})


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whole; `document` is {} where there was no body."""

    status: int
    headers: Mapping[str, str]
    document: dict[str, Any]


class Wire:
    """Sends calls with the user's token. One per user; the HTTP client may serve all."""

    def __init__(self, http: httpx.AsyncClient, get_token: GetToken, pauses: Pauses) -> None:
        self._http = http
        self._get_token = get_token
        self._pauses = pauses

    async def call(self, call: Call) -> Answer:
        """Send and read the whole answer, trying again while that makes sense.

        Raises a DriveFault, or what `get_token` raises.
        """
        return await self.insist(lambda: self._call_once(call), call.is_safe_twice)

    async def insist(self, act: Callable[[], Awaitable[T]], is_safe_twice: bool) -> T:
        """Do it again after DriveBusy, and after DriveUnreachable where that is safe."""
        failures = 0
        while True:
            try:
                return await act()
            except (DriveBusy, DriveUnreachable) as fault:
                failures += 1
                pause = self._pauses.find_pause(failures, fault.retry_after_seconds)
                if pause is None or (isinstance(fault, DriveUnreachable) and not is_safe_twice):
                    raise
            await asyncio.sleep(pause)

    @asynccontextmanager
    async def open(self, call: Call) -> AsyncIterator[httpx.Response]:
        """Send once (twice where the token was refused) and hand over the answer to be read.

        Failures of reading the body within the block become DriveUnreachable as well.
        """
        token = await self._get_token()
        try:
            response = await self._send(call, token)
            if response.status_code == 401:
                await response.aclose()
                response = await self._send(call, await self._get_other_token(token))
            try:
                if response.status_code not in call.good:
                    raise make_fault(
                        response.status_code, response.headers, await _read_refusal(response)
                    )
                yield response
            finally:
                await response.aclose()
        except httpx.RequestError as error:
            raise DriveUnreachable(f"Google did not answer: {type(error).__name__}.") from error

    async def _get_other_token(self, refused: str) -> str:
        """Return the token that another has fetched meanwhile, else ask for a fresh one."""
        current = await self._get_token()
        return current if current != refused else await self._get_token(fresh=True)

    async def _send(self, call: Call, token: str) -> httpx.Response:
        request = self._http.build_request(
            call.method,
            call.url,
            params=_write_parameters(call.parameters) or None,
            content=call.content if call.json is None else orjson.dumps(call.json),
            headers={**_content_type(call), **call.headers, "Authorization": f"Bearer {token}"},
            timeout=TIMEOUT,
        )
        return await self._http.send(request, stream=True, follow_redirects=False)

    async def _call_once(self, call: Call) -> Answer:
        async with self.open(call) as response:
            body = await _read_body(response)
            return Answer(response.status_code, dict(response.headers), _read_document(body))


def _content_type(call: Call) -> dict[str, str]:
    return {} if call.json is None else {"Content-Type": "application/json; charset=UTF-8"}


def _write_parameters(parameters: Parameters) -> dict[str, str]:
    return {
        name: ("true" if value else "false") if isinstance(value, bool) else str(value)
        for name, value in parameters.items()
    }


async def _read_body(response: httpx.Response) -> bytes:
    body = bytearray()
    async for part in response.aiter_bytes():
        body += part
        if len(body) > _LARGEST_ANSWER_BYTES:
            raise DriveUnreachable("Google's answer is larger than any answer should be.")
    return bytes(body)


async def _read_refusal(response: httpx.Response) -> bytes:
    body = bytearray()
    async for part in response.aiter_bytes():
        body += part
        if len(body) > _LARGEST_REFUSAL_BYTES:
            break
    return bytes(body)


def _read_document(body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise DriveUnreachable("Google's answer is not JSON.") from error
    if not isinstance(document, dict):
        raise DriveUnreachable("Google's answer is not an object.")
    return document
