"""How often an account may ask: by plan, for changes and for reading, live and test apart.

Every answer to a key says where it stands (`RateLimit-*`), refusals and failures included.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from comfyhoused.adapters.redis.client import Store
from comfyhoused.api.plans import READS_PER_WRITE, Plan
from comfyhoused.api.scripts import SCRIPTS
from comfyhoused.kit.errors import TooManyRequests

_READING = ("GET", "HEAD", "OPTIONS")
_STATE = "rate_headers"


class RateLimited(TooManyRequests):
    """More requests than the plan allows; wait for `Retry-After` seconds."""

    code = "rate_limited"
    title = "Too many requests"


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests a second, and so many at once after a pause."""

    name: str
    per_second: float
    burst: int

    @property
    def interval_us(self) -> int:
        """Time between two requests, in millionths of a second."""
        return max(1, round(1_000_000 / self.per_second))


@dataclass(frozen=True, slots=True)
class Turn:
    """What became of a request, and what is left of its bucket."""

    rate: Rate
    is_taken: bool
    left: int
    wait_us: int
    full_us: int

    def make_headers(self) -> dict[str, str]:
        """Return what the answer says of it; times in whole seconds."""
        window = max(1, ceil(self.rate.burst * self.rate.interval_us / 1_000_000))
        headers = {
            "RateLimit-Policy": f"{self.rate.burst};w={window}",
            "RateLimit-Limit": str(self.rate.burst),
            "RateLimit-Remaining": str(self.left),
            "RateLimit-Reset": str(ceil(self.full_us / 1_000_000)),
        }
        if not self.is_taken:
            headers["Retry-After"] = str(max(1, ceil(self.wait_us / 1_000_000)))
        return headers


def choose_rate(plan: Plan, method: str) -> Rate:
    """Return what counts for a request: reading may be ten times as often."""
    if method in _READING:
        return Rate(
            "reads", plan.requests_per_second * READS_PER_WRITE, plan.burst * READS_PER_WRITE
        )
    return Rate("writes", plan.requests_per_second, plan.burst)


async def take_turn(store: Store, owner: str, rate: Rate) -> Turn:
    """Count one request of an owner, exactly, whichever process it came to."""
    bucket = f"{owner}:{rate.name}"
    taken, left, wait, full = await SCRIPTS.run(
        store, "take_turn", bucket, rate.interval_us, rate.burst
    )
    return Turn(rate, taken == 1, left, wait, full)


async def limit_rate(connection: HTTPConnection, store: Store, owner: str, plan: Plan) -> None:
    """Count a request and have its answer say so; raises RateLimited."""
    method = connection.scope.get("method", "GET")  # a WebSocket begins as one
    await _limit(connection, store, owner, plan, choose_rate(plan, method))


async def limit_pages(connection: HTTPConnection, store: Store, owner: str, plan: Plan) -> None:
    """As limit_rate, for forms of the console: as often as keys may read, since the playground
    asks for an estimate whenever a field is changed, and beside what keys ask for.
    """
    await _limit(connection, store, f"{owner}:console", plan, choose_rate(plan, "GET"))


async def _limit(
    connection: HTTPConnection, store: Store, owner: str, plan: Plan, rate: Rate
) -> None:
    turn = await take_turn(store, owner, rate)
    setattr(connection.state, _STATE, turn.make_headers())
    if not turn.is_taken:
        raise RateLimited(
            f"{plan.title} allows {turn.rate.per_second:g} {_NAMES[turn.rate.name]} a second and "
            f"{turn.rate.burst} at once."
        )


_NAMES = {"reads": "reading requests", "writes": "requests"}


class RateHeaders:
    """Middleware: puts what `limit_rate` has found into the answer, whatever it is."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; its answer gets the headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                found: Mapping[str, str] = scope.get("state", {}).get(_STATE, {})
                MutableHeaders(scope=message).update(found)
            await send(message)

        await self._app(scope, receive, send_with_headers)
