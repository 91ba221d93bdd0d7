"""Erasing jobs: what their owners want gone, and what losing attempts have left behind."""

from collections.abc import Sequence
from contextlib import suppress

from comfyhoused.adapters.redis.scripts import run_together
from comfyhoused.adapters.storage.storage import StorageUnavailable
from comfyhoused.core.files.erase import erase_outputs
from comfyhoused.core.files.records import FileNotFound, delete_file
from comfyhoused.core.jobs.archive import list_carried, make_archive_key
from comfyhoused.core.jobs.cancel import forget_job, list_erasing, mark_erasing
from comfyhoused.core.jobs.record import find_job
from comfyhoused.core.jobs.scripts import SCRIPTS
from comfyhoused.core.jobs.settlement import Ending
from comfyhoused.core.jobs.states import JobState
from comfyhoused.core.webhooks.events import erase_subject, prepare_erasing_subject
from comfyhoused.kit.each import do_each
from comfyhoused.kit.errors import Unavailable
from comfyhoused.kit.log import get_logger
from comfyhoused.resources import Resources

log = get_logger(__name__)


async def erase_losers(resources: Resources, ending: Ending) -> None:
    """Remove the outputs of all attempts but the one that won, if any. Idempotent."""
    is_delivered = ending.state is JobState.SUCCEEDED
    if ending.attempt == 0 or (is_delivered and ending.attempt == 1):
        return
    job = await find_job(resources.store, ending.job_id)
    if job is not None:
        await erase_outputs(
            resources.store,
            resources.storage,
            job.owner,
            job.id,
            except_attempt_id=job.attempt_id if is_delivered else None,
        )


async def erase_job(resources: Resources, owner: str, job_id: str) -> None:
    """Hide a job and erase its outputs, its request and its record as soon as it is terminal."""
    if await mark_erasing(resources.store, owner, job_id):
        await _erase(resources, owner, job_id)


async def erase_jobs(resources: Resources, owner: str, job_ids: Sequence[str]) -> None:
    """Cancel, hide and erase many jobs of an owner, in a few round trips for all of them.

    Those that are not terminal yet are erased by the chore for that. Idempotent.
    """
    store = resources.store
    await run_together(store, [SCRIPTS.prepare("cancel", one, owner) for one in job_ids])
    marks = await run_together(store, [SCRIPTS.prepare("erase", one, owner) for one in job_ids])
    ready = [one for one, mark in zip(job_ids, marks, strict=True) if mark == "ready"]

    async def erase(job_id: str) -> None:
        await _erase_bytes(resources, owner, job_id)

    await do_each(ready, erase)
    await run_together(store, [prepare_erasing_subject(one) for one in ready])
    await run_together(store, [SCRIPTS.prepare("forget", one) for one in ready])


async def erase_marked_jobs(resources: Resources) -> int:
    """Erase what was marked and is terminal by now; returns how many went.

    A job whose files cannot be removed now does not hold up the others, nor does one that meets a
    fault of ours; StorageUnavailable is raised after them.
    """
    erased = 0
    failure: StorageUnavailable | None = None
    for job_id in await list_erasing(resources.store):
        try:
            erased += await _erase_if_over(resources, job_id)
        except StorageUnavailable as error:
            failure = error
        except Unavailable:
            raise
        except Exception:  # the border of a chore: nobody else's data must stay for it
            log.exception("job %s cannot be erased and is passed by", job_id)
    if failure is not None:
        raise failure
    return erased


async def _erase_if_over(resources: Resources, job_id: str) -> bool:
    job = await find_job(resources.store, job_id)
    if job is not None and not job.state.is_terminal:
        return False
    await _erase(resources, job.owner if job is not None else "", job_id)
    return True


async def _erase(resources: Resources, owner: str, job_id: str) -> None:
    # Files first: were the record gone, nobody would know of them after a crash.
    await _erase_bytes(resources, owner, job_id)
    await erase_subject(resources.store, job_id)
    await forget_job(resources.store, job_id)


async def _erase_bytes(resources: Resources, owner: str, job_id: str) -> None:
    for file_id in await list_carried(resources.store, resources.storage, job_id):
        with suppress(FileNotFound):
            await delete_file(resources.store, resources.storage, owner, file_id)
    await erase_outputs(resources.store, resources.storage, owner, job_id)
    await resources.storage.delete(make_archive_key(job_id))
