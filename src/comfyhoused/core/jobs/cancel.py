"""Cancel and erase: what an owner may do to a job of theirs."""

from typing import cast

from comfyhoused.adapters.redis.client import Store
from comfyhoused.core.jobs.record import PREFIX, Job, JobNotFound, get_job
from comfyhoused.core.jobs.scripts import SCRIPTS
from comfyhoused.kit.ids import is_uuid


async def cancel_job(store: Store, owner: str, job_id: str) -> Job:
    """Cancel: at once while it waits, soon while a server has it. Idempotent; always free.

    A job that is terminal already stays as it is and is returned.
    """
    if not is_uuid(job_id) or await SCRIPTS.run(store, "cancel", job_id, owner) == "missing":
        raise JobNotFound(f"No job {job_id[:64]!r}.")
    return await get_job(store, owner, job_id)


async def mark_erasing(store: Store, owner: str, job_id: str) -> bool:
    """Hide a job for good; True when it is terminal, so that it can be erased at once.

    The mark outlives a crash: `list_erasing` names what is left to be done.
    """
    answer = await SCRIPTS.run(store, "erase", job_id, owner) if is_uuid(job_id) else "missing"
    if answer == "missing":
        raise JobNotFound(f"No job {job_id[:64]!r}.")
    return bool(answer == "ready")


async def list_erasing(store: Store, *, most: int = 1000) -> list[str]:
    """Return jobs that are marked to be erased, the oldest mark first."""
    return cast(list[str], await store.zrange(f"{PREFIX}erasing", 0, most - 1))


async def forget_job(store: Store, job_id: str) -> bool:
    """Drop the record of a marked, terminal job whose files are gone; idempotent."""
    return bool(await SCRIPTS.run(store, "forget", job_id))
