"""How long an answer may wait for its job: `Prefer: wait=N` (RFC 7240)."""

import asyncio
import re

from comfyhoused.api.house import ApiHouse
from comfyhoused.core.jobs.events import follow_job
from comfyhoused.core.jobs.record import Job, get_job

LONGEST_WAIT_SECONDS = 300


def read_wait(prefer: str | None, default_seconds: int) -> int:
    """Return the seconds a `Prefer` header asks for; `respond-async` is none."""
    wishes = (prefer or "").lower()
    if re.search(r"(^|[\s,;])respond-async($|[\s,;])", wishes):
        return 0
    match = re.search(r"(?:^|[\s,;])wait\s*=\s*\"?(\d{1,6})", wishes)
    wanted = int(match.group(1)) if match else default_seconds
    return min(wanted, LONGEST_WAIT_SECONDS)


async def wait_for_end(house: ApiHouse, owner: str, job_id: str, seconds: float) -> Job:
    """Return the job when it is terminal, or as it stands when the time is over."""
    store = house.resources.store
    if seconds > 0:
        try:
            async with asyncio.timeout(seconds):
                async for _ in follow_job(store, house.hub, job_id):
                    pass
        except TimeoutError:
            pass
    return await get_job(store, owner, job_id)
