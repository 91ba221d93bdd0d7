"""Cancel and erase: what an owner may do to a job of theirs."""

from comfyhoused.adapters.redis.client import Store
from comfyhoused.core.jobs.record import Job, JobNotFound, get_job
from comfyhoused.core.jobs.scripts import SCRIPTS


async def cancel_job(store: Store, owner: str, job_id: str) -> Job:
    """Cancel: at once while it waits, soon while a server has it. Idempotent; always free.

    A job that is terminal already stays as it is and is returned.
    """
    if await SCRIPTS.run(store, "cancel", job_id, owner) == "missing":
        raise JobNotFound(f"No job {job_id[:64]!r}.")
    return await get_job(store, owner, job_id)


async def erase_record(store: Store, owner: str, job_id: str) -> bool:
    """Forget the record of a terminal job; False when it was only marked, for it still runs."""
    answer = await SCRIPTS.run(store, "erase", job_id, owner)
    if answer == "missing":
        raise JobNotFound(f"No job {job_id[:64]!r}.")
    return bool(answer == "erased")
