"""Redis is away: workers wait and resume. A write about a run is tried until it is answered."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from comfyhoused.adapters.redis.client import StoreUnavailable
from comfyhoused.kit.log import get_logger

log = get_logger(__name__)
Answer = TypeVar("Answer")

_LONGEST_PAUSE_SECONDS = 2.0


async def insist(act: Callable[[], Awaitable[Answer]]) -> Answer:
    """Do it again until Redis answers; only for what may be done twice.

    Every fenced script may: a second `finish` with the same fence finds the job terminal.
    """
    pause = 0.1
    while True:
        try:
            return await act()
        except StoreUnavailable:
            log.warning("the store is away; trying again in %.1f s", pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
