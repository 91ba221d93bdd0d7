"""Pages of jobs, straight from the index."""

from redis.asyncio import Redis

from comfyhoused.adapters.redis.client import open_store
from comfyhoused.core.jobs.listing import list_jobs
from comfyhoused.core.jobs.states import JobState
from comfyhoused.kit.ids import make_job_id
from tests.job_desks import admit_job


async def test_one_job_in_a_heap_is_found_in_steps(redis: Redis, valkey_url: str) -> None:
    """A request that looks through a hundred thousand jobs would hold a server for minutes."""
    async with open_store(valkey_url) as store:
        job_id = await admit_job(store, "account:a")
        heap = {make_job_id(): number for number in range(10, 2_400)}
        await redis.zadd("ch:1:owner:account:a:jobs", heap)
        found, cursors = [], [None]
        while len(cursors) == 1 or cursors[-1] is not None:
            page = await list_jobs(
                store, "account:a", limit=5, cursor=cursors[-1], state=JobState.QUEUED
            )
            found += [job.id for job in page.items]
            cursors.append(page.next_cursor)
    assert found == [job_id]
    assert len(cursors) == 4
