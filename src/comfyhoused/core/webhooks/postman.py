"""The worker's hands for deliveries: some for lanes that answer, some for those that do not."""

import asyncio
from contextlib import suppress

from comfyhoused.adapters.redis.client import StoreUnavailable
from comfyhoused.core.webhooks.claiming import Claimed, Pool, claim
from comfyhoused.core.webhooks.delivering import Post, deliver
from comfyhoused.kit.errors import Unavailable
from comfyhoused.kit.log import get_logger

log = get_logger(__name__)

#: Deliveries under way at once in one worker.
HANDS: dict[Pool, int] = {"swift": 32, "slow": 16}
_LOOK_SECONDS = 0.25
_OUTAGE_SECONDS = 1.0


class Postman:
    """Delivers what is due, for as long as `work` runs."""

    def __init__(self, post: Post) -> None:
        self._post = post

    async def work(self) -> None:
        """Never returns. Cancelled, its leases run out and others take over: at least once."""
        async with asyncio.TaskGroup() as group:
            for pool, hands in HANDS.items():
                group.create_task(self._work_pool(pool, hands))

    async def _work_pool(self, pool: Pool, hands: int) -> None:
        busy: set[asyncio.Task[None]] = set()
        try:
            while True:
                free = hands - len(busy)
                taken = await self._claim(pool, free) if free else []
                busy |= {asyncio.create_task(self._deliver(one)) for one in taken}
                if taken and len(busy) < hands:
                    continue
                busy = await _wait_for_any(busy)
        finally:
            for task in busy:
                task.cancel()
            await asyncio.gather(*busy, return_exceptions=True)

    async def _claim(self, pool: Pool, most: int) -> list[Claimed]:
        try:
            return await claim(self._post.store, pool, most=most, pace=self._post.pace)
        except StoreUnavailable:
            await asyncio.sleep(_OUTAGE_SECONDS)
        except Exception:  # the border of a chore: one broken record must not end the worker
            log.exception("a delivery cannot be taken")
            await asyncio.sleep(_OUTAGE_SECONDS)
        return []

    async def _deliver(self, claimed: Claimed) -> None:
        """Try one; where that meets an outage or a fault of ours, its lease brings it back."""
        try:
            await deliver(self._post, claimed)
        except Unavailable as error:
            log.warning("webhook %s waits: %s", claimed.delivery.id, error.detail)
        except Exception:  # the border of a chore
            log.exception("webhook %s met a fault of ours", claimed.delivery.id)


async def _wait_for_any(busy: set[asyncio.Task[None]]) -> set[asyncio.Task[None]]:
    """Return those still at work when a hand is free, or when it is time to look again."""
    if not busy:
        await asyncio.sleep(_LOOK_SECONDS)
        return busy
    with suppress(TimeoutError):
        await asyncio.wait(busy, timeout=_LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    return {task for task in busy if not task.done()}
