"""Jobs that ended long ago: the document moves to storage, Redis keeps index and state."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, cast

from comfyhoused.adapters.redis.client import Store
from comfyhoused.adapters.storage.storage import ObjectMissing, Storage
from comfyhoused.core.jobs.batches import expire_batch
from comfyhoused.core.jobs.record import PREFIX, Job, JobNotFound, Spec, find_job, get_spec
from comfyhoused.core.jobs.scripts import SCRIPTS
from comfyhoused.kit.clock import get_now_ms
from comfyhoused.kit.errors import Unavailable
from comfyhoused.kit.log import get_logger

log = get_logger(__name__)

_MAX_BYTES = 50_000_000
_DAY_MS = 86_400_000


def make_archive_key(job_id: str) -> str:
    """Return where the document of an archived job lies."""
    return f"archive/{job_id}.json"


async def archive_jobs(
    store: Store, storage: Storage, *, after_seconds: int, most: int = 1000
) -> int:
    """Archive jobs that ended so long ago, the oldest first; returns how many.

    The document is in storage before Redis drops it; done twice it changes nothing. A record that
    cannot be read stays where it is and does not hold up the others.
    """
    before = get_now_ms() - after_seconds * 1000
    due: Any = await store.zrangebyscore(f"{PREFIX}finished", "-inf", before, start=0, num=most)
    archived = 0
    for job_id in cast(list[str], due):
        try:
            await _archive(store, storage, job_id)
            archived += 1
        except Unavailable:
            raise
        except Exception:  # the border of a chore: one broken record must not fill the store
            log.exception("job %s cannot be archived and is passed by", job_id)
    return archived


async def mark_old_jobs(store: Store, *, after_days: int, most: int = 1000) -> int:
    """Have jobs erased that ended so long ago; returns how many. What they cost stays known.

    A batch is kept as long again as the last one of its jobs that went.
    """
    before = get_now_ms() - after_days * _DAY_MS
    old: Any = await store.zrangebyscore(f"{PREFIX}archived", "-inf", before, start=0, num=most)
    handled = 0
    for job_id in cast(list[str], old):
        try:
            await _mark_old(store, job_id, after_days)
            handled += 1
        except Unavailable:
            raise
        except Exception:  # the border of a chore, as above
            log.exception("job %s cannot be forgotten and is passed by", job_id)
    return handled


async def _mark_old(store: Store, job_id: str, after_days: int) -> None:
    job = await find_job(store, job_id)
    if job is None:
        await store.zrem(f"{PREFIX}archived", job_id)
        return
    await SCRIPTS.run(store, "erase", job_id, job.owner)
    if job.batch:
        await expire_batch(store, job.batch, after_days * _DAY_MS)


async def load_document(storage: Storage, job: Job) -> Job:
    """Return the job whole; an archived one whose document is gone has only its state."""
    if not job.is_archived:
        return job
    try:
        parts = [chunk async for chunk in storage.read(make_archive_key(job.id))]
    except ObjectMissing:
        return job
    document: dict[str, Any] = json.loads(b"".join(parts))
    return replace(
        job, facts=document["facts"], outputs=document["outputs"], error=document["error"]
    )


async def list_carried(store: Store, storage: Storage, job_id: str) -> list[str]:
    """Return the ids of files that came inside the request and belong to this job alone."""
    return list((await find_spec(store, storage, job_id) or {}).get("carried", []))


async def find_spec(store: Store, storage: Storage, job_id: str) -> Spec | None:
    """Return what was asked, of an archived job too; None where nobody knows any more."""
    try:
        return await get_spec(store, job_id)
    except JobNotFound:
        pass
    try:
        parts = [chunk async for chunk in storage.read(make_archive_key(job_id))]
    except ObjectMissing:
        return None
    spec: Spec = json.loads(b"".join(parts))["spec"]
    return spec


async def _archive(store: Store, storage: Storage, job_id: str) -> None:
    job = await find_job(store, job_id)
    if job is not None and not job.is_erasing:
        await _keep(store, storage, job)
    if not await SCRIPTS.run(store, "archive", job_id):
        # Erased meanwhile: whoever did so may have looked for the document before it came.
        await storage.delete(make_archive_key(job_id))


async def _keep(store: Store, storage: Storage, job: Job) -> None:
    try:
        spec: Any = await get_spec(store, job.id)
    except JobNotFound:  # archived before; its document must not be overwritten
        return
    document = {"spec": spec, "facts": job.facts, "outputs": job.outputs, "error": job.error}

    async def write() -> AsyncIterator[bytes]:
        yield json.dumps(document).encode()

    key = make_archive_key(job.id)
    await storage.put(key, write(), content_type="application/json", max_bytes=_MAX_BYTES)
