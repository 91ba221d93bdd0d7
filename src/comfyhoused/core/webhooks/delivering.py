"""One try of a delivery: write the body, sign it, send it, write down what came back."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from comfyhoused.adapters.redis.client import Store
from comfyhoused.core.webhooks.claiming import Claimed, Outcome, finish
from comfyhoused.core.webhooks.endpoints import list_owner_secrets
from comfyhoused.core.webhooks.events import Event
from comfyhoused.core.webhooks.schedule import Pace
from comfyhoused.core.webhooks.signing import LiveSecret, list_secrets, make_headers
from comfyhoused.kit.clock import get_now, get_now_ms
from comfyhoused.kit.http.guard import WEBHOOK_PORTS, Guard
from comfyhoused.kit.http.send import Answer, send

Render = Callable[[Event], Awaitable[Mapping[str, Any] | None]]
"""The product's way to write an event's data from its subject; None: that is gone."""

IsAllowed = Callable[[str], Awaitable[bool]]
"""Whether an owner is (still) told anything, by the product's plans."""

_MOST_ANSWER = 2_000
_GONE = 410


@dataclass(frozen=True, slots=True)
class Post:
    """What a try needs."""

    store: Store
    guard: Guard
    house_secret: bytes
    render: Render
    is_allowed: IsAllowed
    pace: Pace


async def deliver(post: Post, claimed: Claimed) -> bool:
    """Try once; True when the receiver accepted it. Raises what `render` raises."""
    if not await post.is_allowed(claimed.delivery.owner):
        return await _cancel(post, claimed, "plan_lacks_feature")
    body = await _write_body(post, claimed.event)
    if body is None:
        return await _cancel(post, claimed, "erased")
    url = claimed.endpoint.get("url") or claimed.delivery.url
    at = get_now()
    headers = make_headers(await _list_secrets(post, claimed), claimed.event.id, at, body)
    answer = await send(
        post.guard,
        url,
        body.encode(),
        {"Content-Type": "application/json", **headers},
        timeout_seconds=post.pace.timeout_seconds,
        ports=WEBHOOK_PORTS,
    )
    await finish(post.store, claimed, decide(claimed, answer, body, post.pace), post.pace)
    return answer.is_accepted


async def _cancel(post: Post, claimed: Claimed, reason: str) -> bool:
    outcome = Outcome("canceled", _describe(claimed, None), "", reason=reason)
    await finish(post.store, claimed, outcome, post.pace)
    return False


def decide(claimed: Claimed, answer: Answer, body: str, pace: Pace) -> Outcome:
    """Return what follows from an answer: 2xx is success, 410 the end, all else a retry."""
    attempt = _describe(claimed, answer)
    is_slow = answer.duration_seconds > pace.slow_seconds
    if answer.is_accepted:
        return Outcome("delivered", attempt, body, is_slow=is_slow)
    is_gone = answer.status == _GONE
    delay_ms = pace.find_delay_ms(claimed.tries)
    if is_gone or delay_ms is None or claimed.tries == claimed.most:
        reason = "gone" if is_gone else "exhausted"
        return Outcome("failed", attempt, body, reason=reason, is_gone=is_gone)
    return Outcome("retry", attempt, body, delay_ms=delay_ms)


async def _write_body(post: Post, event: Event) -> str | None:
    data = event.data if event.data is not None else await post.render(event)
    if data is None or event.is_erased:
        return None
    return write_body(event.type, event.at, data)


def write_body(event_type: str, at: datetime, data: Mapping[str, Any]) -> str:
    """Return the JSON that is signed and sent."""
    body = {"type": event_type, "timestamp": at, "data": data}
    return orjson.dumps(body, option=orjson.OPT_UTC_Z).decode()


async def _list_secrets(post: Post, claimed: Claimed) -> list[LiveSecret]:
    if claimed.endpoint:
        return list_secrets(post.house_secret, claimed.delivery.endpoint, claimed.endpoint)
    return await list_owner_secrets(post.store, post.house_secret, claimed.delivery.owner)


def _describe(claimed: Claimed, answer: Answer | None) -> dict[str, Any]:
    error = answer.error if answer else None
    return {
        "number": claimed.delivery.attempts,
        "at": get_now_ms(),
        "status": answer.status if answer else None,
        "error_code": error.code if error else None,
        "detail": error.detail if error else None,
        "duration_seconds": round(answer.duration_seconds, 3) if answer else 0.0,
        "answer": answer.excerpt[:_MOST_ANSWER] if answer else "",
    }
