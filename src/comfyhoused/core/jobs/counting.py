"""How much there is to do."""

from dataclasses import dataclass
from typing import cast

from comfyhoused.adapters.redis.client import Store
from comfyhoused.core.jobs.record import PREFIX
from comfyhoused.core.jobs.scripts import WEIGHTS


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """Jobs that wait, jobs that a worker has, jobs that ended, and those not settled yet."""

    waiting: int
    assigned: int
    finished: int
    outbox: int


async def count_queue(store: Store) -> QueueCounts:
    """Return the present counts. Waiting jobs have a deadline and no lease."""
    assigned = await store.zcard(f"{PREFIX}leases")
    waiting = 0
    for mode in ("live", "test"):
        for plan_class in await _list_members(store, f"{PREFIX}queue:{mode}"):
            owners = f"{PREFIX}queue:{mode}:{plan_class}"
            for owner in await _list_members(store, owners):
                waiting += await store.zcard(f"{owners}:{owner}")
        for plan_class in WEIGHTS:  # owners with as many jobs at work as they may have
            parked = await store.smembers(f"{PREFIX}parked:{mode}:{plan_class}")
            for owner in cast(set[str], parked):
                waiting += await store.zcard(f"{PREFIX}queue:{mode}:{plan_class}:{owner}")
    delayed = await store.zcard(f"{PREFIX}delayed")
    finished = await store.zcard(f"{PREFIX}finished")
    return QueueCounts(waiting + delayed, assigned, finished, await store.xlen(f"{PREFIX}outbox"))


async def _list_members(store: Store, key: str) -> list[str]:
    return cast(list[str], await store.zrange(key, 0, -1))
