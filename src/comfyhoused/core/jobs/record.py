"""A job as it stands in Redis. The record is the truth; everything else is a hint."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, cast

from comfyhoused.adapters.redis.client import Store
from comfyhoused.core.fleet.backends import Mode
from comfyhoused.core.jobs.states import JobState
from comfyhoused.kit.clock import make_instant
from comfyhoused.kit.errors import NotFound, Problem
from comfyhoused.kit.ids import is_uuid, make_attempt_id

PREFIX = "ch:1:"

JobKind = Literal["generate", "upscale", "workflow"]

#: What was asked: `graph` (API format) and what came with it.
Spec = dict[str, Any]


class JobNotFound(NotFound):
    """No such job, or it belongs to somebody else."""

    code = "job_not_found"
    title = "There is no such job of yours"


@dataclass(frozen=True, slots=True)
class Job:
    """One unit of work. Instants are aware UTC; `reserved_units` is what may be charged at most.

    `ran_seconds` is what the backend took; `charged_units` is None until it is settled;
    `period` is the month (`YYYY-MM`) of its books.
    """

    id: str
    owner: str
    mode: Mode
    kind: JobKind
    state: JobState
    created_at: datetime
    expires_at: datetime
    timeout_seconds: int
    reserved_units: int
    attempt: int
    deaths: int
    is_canceling: bool
    is_erasing: bool
    is_assigned: bool
    is_archived: bool
    backend: str
    client_id: str
    started_at: datetime | None
    finished_at: datetime | None
    error: Problem | None
    outputs: list[dict[str, Any]]
    facts: dict[str, Any] = field(default_factory=dict)
    charged_units: int | None = None
    ran_seconds: float = 0
    period: str = ""
    key_id: str = ""
    template: str = ""
    batch: str = ""
    keep_seconds: int | None = None

    @property
    def attempt_id(self) -> str:
        """The prompt id of the present attempt."""
        return make_attempt_id(self.id, self.attempt)


def make_key(job_id: str, suffix: str = "") -> str:
    """Return the Redis key of a job's record or of what hangs on it (`:spec`, `:events`)."""
    return f"{PREFIX}job:{job_id}{suffix}"


def _read_instant(text: str | None) -> datetime | None:
    return make_instant(int(text)) if text else None


def _read_number(text: str | None) -> int | None:
    return int(text) if text else None


def parse_job(record: Mapping[str, str]) -> Job:
    """Build a Job from the fields of its hash."""
    return Job(
        id=record["id"],
        owner=record["owner"],
        mode="test" if record["mode"] == "test" else "live",
        kind=cast(JobKind, record["kind"]),
        state=JobState(record["state"]),
        created_at=make_instant(int(record["created_at"])),
        expires_at=make_instant(int(record["expires_at"])),
        timeout_seconds=int(record["timeout_seconds"]),
        reserved_units=int(float(record["reserved_units"])),
        attempt=int(record["attempt"]),
        deaths=int(record["deaths"]),
        is_canceling=record["canceling"] == "1",
        is_erasing=record.get("erasing") == "1",
        is_assigned=record["assigned"] == "1",
        is_archived=record.get("archived") == "1",
        backend=record.get("backend", ""),
        client_id=record.get("client_id", ""),
        started_at=_read_instant(record.get("started_at")),
        finished_at=_read_instant(record.get("finished_at")),
        error=json.loads(record["error"]) if record.get("error") else None,
        outputs=json.loads(record.get("outputs") or "[]"),
        facts=json.loads(record.get("facts") or "{}"),
        ran_seconds=int(record.get("ran_ms") or "0") / 1000,
        charged_units=_read_number(record.get("charged_units")),
        period=record.get("period", ""),
        key_id=record.get("key_id", ""),
        template=record.get("template", ""),
        batch=record.get("batch", ""),
        keep_seconds=_read_number(record.get("keep_seconds")),
    )


def pair_job(flat: Sequence[str]) -> Job:
    """Build a Job from the names and values that a script returns in turn."""
    return parse_job(dict(zip(flat[::2], flat[1::2], strict=True)))


async def find_job(store: Store, job_id: str) -> Job | None:
    """Return the job whoever owns it, or None."""
    if not is_uuid(job_id):  # the names of what hangs on a job would lead to other keys
        return None
    record = await store.hgetall(make_key(job_id))
    return parse_job(cast(dict[str, str], record)) if record else None


async def get_job(store: Store, owner: str, job_id: str) -> Job:
    """Return an owner's job; raises JobNotFound, also where it is somebody else's."""
    job = await find_job(store, job_id)
    if job is None or job.owner != owner or job.is_erasing:
        raise JobNotFound(f"No job {job_id[:64]!r}. It may have been erased.")
    return job


async def get_spec(store: Store, job_id: str) -> Spec:
    """Return what was asked; raises JobNotFound."""
    text = await store.get(make_key(job_id, ":spec"))
    if text is None:
        raise JobNotFound(f"No job {job_id!r}.")
    spec: Spec = json.loads(text)
    return spec
