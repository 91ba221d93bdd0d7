"""Accepting a batch, and its failed items again: staged first, then all in one script or none."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from comfyhoused.adapters.redis.client import Store, translate_errors
from comfyhoused.core.jobs.admission import (
    Application,
    check_refusal,
    make_conflict,
    make_record,
    make_terms,
)
from comfyhoused.core.jobs.batches import make_missing
from comfyhoused.core.jobs.record import make_key
from comfyhoused.core.jobs.scripts import SCRIPTS
from comfyhoused.kit.errors import Unavailable

_STAGED_SECONDS = 3600
_CHUNK = 100


class StagingLost(Unavailable):
    """The requests of the jobs were lost before they were accepted; send the batch again."""

    code = "staging_lost"
    title = "The batch was not accepted"


@dataclass(frozen=True, slots=True)
class BatchApplication:
    """A batch that asks to be accepted; its jobs carry its id, in their order."""

    batch_id: str
    jobs: Sequence[Application]
    metadata: Mapping[str, str] = field(default_factory=dict)
    webhook_url: str = ""
    idempotency_key: str = ""
    body_digest: str = ""


@dataclass(frozen=True, slots=True)
class BatchAdmission:
    """What became of it; `is_replayed`: it had been accepted before."""

    batch_id: str
    is_replayed: bool
    should_ring: bool


@dataclass(frozen=True, slots=True)
class Retrial:
    """A new job for an item; `old_spec` is what stays of the old job's request, None: all."""

    item: int
    old_job_id: str
    application: Application
    old_spec: str | None = None


async def admit_batch(store: Store, application: BatchApplication) -> BatchAdmission:
    """Accept all jobs durably or raise; nothing is half done.

    Idempotent by the batch's id. Raises as `admit`, and StagingLost.
    """
    await _stage(store, application.jobs)
    first = application.jobs[0]
    fields = {
        "owner": first.owner,
        "mode": first.mode,
        "metadata": json.dumps(dict(application.metadata)),
        "webhook_url": application.webhook_url,
    }
    answer = await SCRIPTS.run(
        store,
        "admit_batch",
        application.batch_id,
        json.dumps(fields),
        json.dumps([_write(job) for job in _enter_one_month(application.jobs)]),
        application.idempotency_key,
        application.body_digest,
    )
    if answer[0] == "admitted":
        return BatchAdmission(answer[1], is_replayed=False, should_ring=answer[2] == 1)
    if answer == ["replayed", application.batch_id]:
        # This very batch, sent twice over a connection that broke: its requests must stay.
        return BatchAdmission(answer[1], is_replayed=True, should_ring=True)
    await _unstage(store, application.jobs)
    if answer[0] == "mismatch":
        raise make_conflict()
    if answer[0] == "unstaged":
        raise StagingLost("Send it again.")
    check_refusal(answer)
    return BatchAdmission(answer[1], is_replayed=True, should_ring=False)


async def retry_items(
    store: Store, owner: str, batch_id: str, retrials: Sequence[Retrial]
) -> tuple[int, bool]:
    """Put new jobs in the places of old ones; returns how many, and whether to ring.

    An item whose job is another one by now, or was delivered, is left alone. Raises as `admit`,
    and BatchNotFound.
    """
    await _stage(store, [one.application for one in retrials])
    entered = _enter_one_month([one.application for one in retrials])
    jobs = [
        {
            **_write(application),
            "item": one.item,
            "old": one.old_job_id,
            "old_spec": one.old_spec or "",
        }
        for one, application in zip(retrials, entered, strict=True)
    ]
    answer = await SCRIPTS.run(store, "retry_batch", batch_id, owner, json.dumps(jobs))
    if answer[0] == "retried":
        return answer[1], answer[2] == 1
    await _unstage(store, [one.application for one in retrials])
    check_refusal(answer)
    raise make_missing(batch_id)


def _enter_one_month(jobs: Sequence[Application]) -> list[Application]:
    """Return the jobs with the latest one's month: the limit is looked up in one month's books.

    Else who has the jobs of many batches made while a month ends gets them past its limit.
    """
    last = jobs[-1]
    return [replace(job, period=last.period, day=last.day) for job in jobs]


def _write(application: Application) -> dict[str, object]:
    return {
        "id": application.job_id,
        "record": make_record(application),
        "units": application.units,
        "terms": make_terms(application),
    }


async def _stage(store: Store, jobs: Sequence[Application]) -> None:
    """Write the specs under their jobs' keys; what is never accepted is forgotten in an hour."""
    for start in range(0, len(jobs), _CHUNK):
        pipeline = store.pipeline(transaction=False)
        for job in jobs[start : start + _CHUNK]:
            key = make_key(job.job_id, ":spec")
            # Where it is there it belongs to a job that was accepted, and stays as it is.
            pipeline.set(key, json.dumps(job.spec), ex=_STAGED_SECONDS, nx=True)
        with translate_errors():
            await pipeline.execute()


async def _unstage(store: Store, jobs: Sequence[Application]) -> None:
    for start in range(0, len(jobs), _CHUNK):
        await store.delete(*(make_key(job.job_id, ":spec") for job in jobs[start : start + _CHUNK]))
