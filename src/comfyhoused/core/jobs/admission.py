"""Admission: the one script that accepts a job, and the doorbell after it."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from comfyhoused.adapters.redis.client import Store
from comfyhoused.core.fleet.backends import Mode
from comfyhoused.core.jobs.record import PREFIX, Job, JobKind, pair_job
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

    def __init__(self, detail: str, *, units_left: int = 0) -> None:
        super().__init__(detail)
        self.units_left = units_left


class TooManyJobs(TooManyRequests):
    """As many jobs wait in line as the plan allows; send more when some have run."""

    code = "too_many_jobs"
    title = "Too many jobs of yours wait in line"


@dataclass(frozen=True, slots=True)
class Application:
    """A job that asks to be accepted. `spec` holds the graph; `facts` is shown with the job.

    `period` (`YYYY-MM`) is the month whose books the units go into, `day` the day in them;
    `limit` is what may be used there in all. Of an owner's jobs `concurrency` are at work at
    once and `most_waiting` wait in line (0: any number). `keep_seconds`: how long outputs stay;
    None: until they are deleted.
    """

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
    period: str = ""
    day: str = ""
    key_id: str = ""
    template: str = ""
    batch: str = ""
    keep_seconds: int | None = None
    webhook_url: str = ""
    concurrency: int = 0
    most_waiting: int = 0


@dataclass(frozen=True, slots=True)
class Admission:
    """What became of it: the job's id; `is_replayed` when it had been accepted before.

    `job` is the record of one that was accepted now.
    """

    job_id: str
    is_replayed: bool
    should_ring: bool
    job: Job | None = None


def make_record(application: Application) -> dict[str, str | int]:
    """Return the fields of the job's hash that the script does not know better."""
    return {
        "owner": application.owner,
        "mode": application.mode,
        "class": application.plan_class,
        "kind": application.kind,
        "model": application.model,
        "priority": application.priority,
        "timeout_seconds": application.timeout_seconds,
        "facts": json.dumps(application.facts),
        "run_kind": str(application.facts.get("run_kind", "")),
        "period": application.period,
        "day": application.day,
        "key_id": application.key_id,
        "template": application.template,
        "batch": application.batch,
        "keep_seconds": application.keep_seconds or "",
        "webhook_url": application.webhook_url,
    }


def make_terms(application: Application) -> dict[str, int]:
    """Return the numbers that decide whether and how it is accepted."""
    return {
        "limit": application.limit,
        "most_waiting": application.most_waiting,
        "concurrency": application.concurrency,
        "priority": application.priority,
        "expires_ms": application.expires_in_seconds * 1000,
    }


def check_refusal(answer: Sequence[Any]) -> None:
    """Raise QuotaExceeded or TooManyJobs where that is what a script has answered."""
    if answer[0] == "exhausted":
        left = int(answer[1])
        raise QuotaExceeded(f"There are {left} units left in this month.", units_left=left)
    if answer[0] == "crowded":
        raise TooManyJobs(
            f"{answer[1]} jobs of yours wait already. Send more when some of them have run.",
            headers={"Retry-After": "10"},
        )


def make_conflict() -> IdempotencyConflict:
    """Return the error of a key that came with another body."""
    return IdempotencyConflict("Send a new Idempotency-Key, or the body you sent first.")


async def find_replay(store: Store, owner: str, key: str, digest: str) -> Admission | None:
    """Return what the key was answered with before; raises IdempotencyConflict.

    A look only: whether two requests with one key are both new is decided by `admit`.
    """
    name = hashlib.sha1(key.encode(), usedforsecurity=False).hexdigest()
    known, job_id = await store.hmget(f"{PREFIX}idem:{owner}:{name}", "digest", "job")
    if known is None:
        return None
    if known != digest:
        raise make_conflict()
    return Admission(str(job_id), is_replayed=True, should_ring=False)


async def admit(store: Store, application: Application) -> Admission:
    """Accept a job durably or raise; nothing is half done. Idempotent by the job's id."""
    answer = await SCRIPTS.run(
        store,
        "admit",
        application.job_id,
        json.dumps(make_record(application)),
        json.dumps(application.spec),
        application.units,
        json.dumps(make_terms(application)),
        application.idempotency_key,
        application.body_digest,
    )
    verdict = answer[0]
    if verdict == "mismatch":
        raise make_conflict()
    check_refusal(answer)
    if verdict == "replayed":
        return Admission(answer[1], is_replayed=True, should_ring=False)
    _, job_id, ring, record = answer
    return Admission(job_id, is_replayed=False, should_ring=ring == 1, job=pair_job(record))
