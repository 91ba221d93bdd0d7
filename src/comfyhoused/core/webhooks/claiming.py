"""Taking deliveries that are due, and writing how a try went: every write carries the fence."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from comfyhoused.adapters.redis.client import Store
from comfyhoused.core.webhooks.deliveries import Delivery, parse_delivery
from comfyhoused.core.webhooks.events import Event, parse_event
from comfyhoused.core.webhooks.schedule import BREAK_AFTER, SCHEDULE, Pace
from comfyhoused.core.webhooks.scripts import SCRIPTS

Pool = Literal["swift", "slow"]
"""`slow` hands serve lanes that fail or dawdle, so that these never keep the others waiting."""

#: So many deliveries of one lane are under way at once, in the whole house.
LANE_CAP = 8
#: More tries than the schedule has: all who took it died, or met a fault of ours.
_MOST_TRIES = 3 * len(SCHEDULE)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery in our hands until its lease ends. `endpoint` is its record, {} where none is.

    `tries` counts since it was made or replayed, `most` limits them (0: the schedule does);
    `failures` are those of its lane in a row.
    """

    delivery: Delivery
    event: Event
    endpoint: Mapping[str, str]
    fence: str
    tries: int
    most: int
    failures: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a try went and what follows. `attempt` and `body` go into the log."""

    verdict: Literal["delivered", "retry", "failed", "canceled"]
    attempt: Mapping[str, Any]
    body: str
    reason: str = ""
    delay_ms: int = 0
    is_slow: bool = False
    is_gone: bool = False


async def claim(store: Store, pool: Pool, *, most: int, pace: Pace) -> list[Claimed]:
    """Take at most so many deliveries that are due, by turns from the lanes of a pool."""
    rows = await SCRIPTS.run(
        store, "claim", pool, most, pace.lease_ms, LANE_CAP, BREAK_AFTER, _MOST_TRIES
    )
    return [_read_claim(*row) for row in rows]


async def finish(store: Store, claimed: Claimed, outcome: Outcome, pace: Pace) -> bool:
    """Write how it went; False where the lease was lost, and somebody else tries it now."""
    answer = await SCRIPTS.run(
        store,
        "finish",
        claimed.delivery.id,
        claimed.fence,
        outcome.verdict,
        outcome.reason,
        outcome.delay_ms,
        json.dumps(outcome.attempt),
        outcome.body,
        int(outcome.is_slow),
        pace.make_pause_ms(claimed.failures + 1),
        "gone" if outcome.is_gone else "failing?",
        pace.disable_ms,
        pace.silence_ms,
        len(SCHEDULE) + 1,
    )
    return bool(answer != "stale")


def _read_claim(
    delivery: Sequence[str], event: Sequence[str], endpoint: Sequence[str], failures: int
) -> Claimed:
    record = _pair(delivery)
    return Claimed(
        delivery=parse_delivery(record),
        event=parse_event(_pair(event)),
        endpoint=_pair(endpoint),
        fence=record["fence"],
        tries=int(record["tries"]),
        most=int(record["most"]),
        failures=int(failures),
    )


def _pair(flat: Sequence[str]) -> dict[str, str]:
    return dict(zip(flat[::2], flat[1::2], strict=True))
