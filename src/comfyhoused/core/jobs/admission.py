"""Admission: the one script that accepts a job, and the doorbell after it."""

import json
from dataclasses import dataclass, field
from typing import Any

from comfyhoused.adapters.redis.client import Store
from comfyhoused.core.fleet.backends import Mode
from comfyhoused.core.jobs.record import Job, JobKind, pair_job
from comfyhoused.core.jobs.scripts import SCRIPTS
from comfyhoused.kit.errors import Conflict, TooManyRequests

UNLIMITED = -1


class IdempotencyConflict(Conflict):
    """The same Idempotency-Key came with another body."""

    code = "idempotency_conflict"
    title = "This Idempotency-Key belongs to another request"


class QuotaExceeded(TooManyRequests):
    """The units that are left do not pay for this job."""

    code = "quota_exceeded"
    title = "Your plan's images are used up"
    retryable = False


@dataclass(frozen=True, slots=True)
class Application:
    """A job that asks to be accepted. `spec` holds the graph; `facts` is shown with the job."""

    job_id: str
    owner: str
    mode: Mode
    plan_class: str
    kind: JobKind
    spec: dict[str, Any]
    facts: dict[str, Any] = field(default_factory=dict)
    model: str = ""
    units: int = 1
    limit: int = UNLIMITED
    priority: int = 0
    timeout_seconds: int = 600
    expires_in_seconds: int = 86400
    idempotency_key: str = ""
    body_digest: str = ""


@dataclass(frozen=True, slots=True)
class Admission:
    """What became of it: the job's id; `is_replayed` when it had been accepted before.

    `job` is the record of one that was accepted now.
    """

    job_id: str
    is_replayed: bool
    should_ring: bool
    job: Job | None = None


def _make_record(application: Application) -> dict[str, str | int]:
    return {
        "owner": application.owner,
        "mode": application.mode,
        "class": application.plan_class,
        "kind": application.kind,
        "model": application.model,
        "priority": application.priority,
        "timeout_seconds": application.timeout_seconds,
        "facts": json.dumps(application.facts),
    }


async def admit(store: Store, application: Application) -> Admission:
    """Accept a job durably or raise; nothing is half done. Idempotent by the job's id."""
    answer = await SCRIPTS.run(
        store,
        "admit",
        application.job_id,
        json.dumps(_make_record(application)),
        json.dumps(application.spec),
        application.limit,
        application.units,
        application.idempotency_key,
        application.body_digest,
        application.priority,
        application.expires_in_seconds * 1000,
    )
    verdict = answer[0]
    if verdict == "mismatch":
        raise IdempotencyConflict("Send a new Idempotency-Key, or the body you sent first.")
    if verdict == "exhausted":
        raise QuotaExceeded("Wait for the next month, or choose a larger plan.")
    if verdict == "replayed":
        return Admission(answer[1], is_replayed=True, should_ring=False)
    _, job_id, ring, record = answer
    return Admission(job_id, is_replayed=False, should_ring=ring == 1, job=pair_job(record))
