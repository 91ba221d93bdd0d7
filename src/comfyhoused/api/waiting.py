"""How long an answer may wait for its job: `Prefer: wait=N` (RFC 7240)."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager

from comfyhoused.adapters.redis.client import StoreUnavailable
from comfyhoused.api.house import ApiHouse
from comfyhoused.api.rendering import make_job_headers
from comfyhoused.core.jobs.events import follow_job
from comfyhoused.core.jobs.record import Job, get_job
from comfyhoused.kit.errors import Unavailable

LONGEST_WAIT_SECONDS = 300
_PAUSE_SECONDS = 0.5


class JobUnseen(Unavailable):
    """The job was accepted and goes on, but the store that knows how it stands is away."""

    code = "job_unseen"
    title = "The job was accepted, but cannot be shown now"


@contextmanager
def showing_accepted(job_id: str) -> Iterator[None]:
    """After the admission nobody may be told that nothing was accepted: raise JobUnseen then."""
    try:
        yield
    except StoreUnavailable as error:
        headers = {**error.headers, **make_job_headers(job_id)}
        raise JobUnseen(f"Ask for the job {job_id} in a moment.", headers=headers) from error


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
                await _follow_to_end(house, job_id)
        except TimeoutError:
            pass
    return await get_job(store, owner, job_id)


async def _follow_to_end(house: ApiHouse, job_id: str) -> None:
    while True:
        try:
            async for _ in follow_job(house.resources.store, house.hub, job_id):
                pass
        except StoreUnavailable:
            await asyncio.sleep(_PAUSE_SECONDS)  # it may be back before the time is over
        else:
            return
