"""The API product's settlement: a delivered result is charged, everything else is free."""

from typing import Literal

from comfyhoused.core.files.erase import erase_outputs
from comfyhoused.core.jobs.cancel import erase_record
from comfyhoused.core.jobs.record import find_job
from comfyhoused.core.jobs.settlement import Ending, read_outbox, settle
from comfyhoused.core.jobs.states import JobState
from comfyhoused.resources import Resources

_GROUP = "api"


async def settle_endings(resources: Resources, consumer: str) -> int:
    """Settle every job that has become terminal since; returns how many."""

    async def handle(ending: Ending) -> None:
        await settle_ending(resources, ending)

    return await read_outbox(resources.store, _GROUP, consumer, handle)


async def settle_ending(resources: Resources, ending: Ending) -> None:
    """Charge or release, then remove what losing attempts have left. Idempotent."""
    job = await find_job(resources.store, ending.job_id)
    units = job.reserved_units if job is not None else 0
    is_delivered = ending.state is JobState.SUCCEEDED
    verb: Literal["settle", "release"] = "settle" if is_delivered and job is not None else "release"
    await settle(resources.store, ending.owner, ending.job_id, verb, units)
    if job is None:
        return
    if job.attempt > 0 and not (is_delivered and job.attempt == 1):
        await erase_outputs(
            resources.store,
            resources.storage,
            job.owner,
            job.id,
            except_attempt_id=job.attempt_id if is_delivered else None,
        )
    if job.is_erasing:
        await erase_job(resources, job.owner, job.id)


async def erase_job(resources: Resources, owner: str, job_id: str) -> bool:
    """Erase outputs and record of a terminal job; False when it was only marked for later."""
    if not await erase_record(resources.store, owner, job_id):
        return False
    await erase_outputs(resources.store, resources.storage, owner, job_id)
    return True
