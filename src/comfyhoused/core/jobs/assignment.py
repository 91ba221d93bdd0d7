"""Claiming, starting, ending and handing over runs: every write carries the fence."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from comfyhoused.adapters.redis.client import Store
from comfyhoused.adapters.redis.scripts import Call, run_together
from comfyhoused.core.fleet.backends import Mode
from comfyhoused.core.jobs.endings import make_expiry
from comfyhoused.core.jobs.record import Job, Spec, find_job, make_key, pair_job
from comfyhoused.core.jobs.scripts import SCRIPTS
from comfyhoused.core.jobs.states import JobState
from comfyhoused.kit.errors import Problem
from comfyhoused.kit.ids import make_attempt_id

#: No job waits longer than this beyond its turn so that a loaded model may be used again.
WARMTH_PATIENCE_MS = 60_000
#: A job whose backend no worker knows any more is tried elsewhere after so long.
_HOMELESS_AFTER_MS = 60_000


@dataclass(frozen=True, slots=True)
class Assignment:
    """The right to drive one attempt, for as long as the lease is renewed with this fence."""

    job_id: str
    attempt: int
    fence: int
    client_id: str
    is_adopted: bool
    is_started: bool = False

    @property
    def attempt_id(self) -> str:
        """The prompt id under which the backend knows this attempt."""
        return make_attempt_id(self.job_id, self.attempt)


@dataclass(frozen=True, slots=True)
class Desk:
    """A worker's place at a backend: who asks, for which modes, how many slots there are."""

    backend: str
    worker: str
    client_id: str
    modes: Sequence[Mode]
    slots: int
    lease_ms: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """A claimed job with what a worker needs to drive it; `spec` None: it is being erased."""

    assignment: Assignment
    job: Job
    spec: Spec | None


class LeaseLost(Exception):
    """Somebody else drives this job now: stop, and write nothing."""


async def claim(
    store: Store,
    desk: Desk,
    *,
    booked_ms: int,
    loaded_models: Sequence[str] = (),
    ended: Sequence[str] = (),
) -> Claimed | None:
    """Take a free slot and the best waiting job for it; None when either is missing.

    `ended` names jobs whose run at the backend is over though their outputs are still
    being fetched: their slots are free.
    """
    answer = await SCRIPTS.run(
        store,
        "claim",
        json.dumps(list(desk.modes)),
        desk.backend,
        desk.slots,
        desk.worker,
        desk.client_id,
        desk.lease_ms,
        booked_ms,
        json.dumps(list(loaded_models)),
        WARMTH_PATIENCE_MS,
        json.dumps(list(ended)),
    )
    if answer is None:
        return None
    job_id, attempt, fence, record, spec = answer
    return Claimed(
        Assignment(job_id, attempt, fence, desk.client_id, is_adopted=False),
        pair_job(record),
        json.loads(spec) if spec is not None else None,
    )


async def start(store: Store, assignment: Assignment) -> None:
    """Write that the backend has begun; raises LeaseLost."""
    _check(await SCRIPTS.run(store, "start", assignment.job_id, assignment.fence))


async def finish(
    store: Store, assignment: Assignment, state: JobState, *, error: Problem | None = None
) -> JobState:
    """End the job without outputs; returns the state it really got. Raises LeaseLost."""
    fields = {"error": json.dumps(error)} if error is not None else {}
    return read_finish((await run_together(store, [prepare_finish(assignment, state, fields)]))[0])


def prepare_finish(
    assignment: Assignment,
    state: JobState,
    fields: Mapping[str, str],
    *,
    ran_seconds: float = 0,
    file_ids: Sequence[str] = (),
) -> Call:
    """Return the call that ends a job; it refuses where one of the files has no record.

    `ran_seconds` counts where the start of the run was not written down.
    """
    return SCRIPTS.prepare(
        "finish",
        assignment.job_id,
        assignment.fence,
        state.value,
        int(ran_seconds * 1000),
        json.dumps(list(file_ids)),
        *(part for pair in fields.items() for part in pair),
    )


def read_finish(answer: str) -> JobState:
    """Return the state that the job really got; raises LeaseLost."""
    return JobState(_check(answer))


async def requeue(
    store: Store, assignment: Assignment, *, is_blamed: bool, delay_seconds: float = 0
) -> Literal["queued", "canceled", "expired", "poisonous"]:
    """Give the job back for another attempt; this one must be known to be over."""
    answer = await SCRIPTS.run(
        store,
        "requeue",
        assignment.job_id,
        assignment.fence,
        int(is_blamed),
        int(delay_seconds * 1000),
        json.dumps(make_expiry()),
    )
    verdict: Literal["queued", "canceled", "expired", "poisonous"] = _check(answer)  # type: ignore[assignment]
    return verdict


async def renew(
    store: Store, assignments: Sequence[Assignment], lease_ms: int
) -> tuple[set[str], set[str]]:
    """Keep the leases; returns the ids of jobs that are lost, and of those to be canceled."""
    if not assignments:
        return set(), set()
    lost, canceling = await SCRIPTS.run(store, "renew", lease_ms, *_list_fences(assignments))
    return set(lost), set(canceling)


async def confirm(store: Store, assignment: Assignment) -> None:
    """Make sure that the attempt is still ours to act on; raises LeaseLost."""
    fence, assigned = await store.hmget(make_key(assignment.job_id), "fence", "assigned")
    if fence != str(assignment.fence) or assigned != "1":
        raise LeaseLost("another worker has it")


async def release(store: Store, assignments: Sequence[Assignment]) -> int:
    """Let others adopt these jobs at once; their prompts go on running."""
    if not assignments:
        return 0
    return int(await SCRIPTS.run(store, "release", *_list_fences(assignments)))


async def adopt(
    store: Store,
    worker: str,
    backends: Sequence[str],
    lease_ms: int,
    most: int,
    *,
    fleet: Sequence[str] | None = None,
) -> list[tuple[str, Assignment]]:
    """Take over jobs of lost workers at these backends: pairs of backend id and assignment.

    Also those whose backend is not of the fleet any more (default: the fleet is `backends`).
    """
    ids = await SCRIPTS.run(
        store,
        "adopt",
        worker,
        lease_ms,
        most,
        json.dumps(list(backends)),
        json.dumps(list(backends if fleet is None else fleet)),
        _HOMELESS_AFTER_MS,
    )
    adopted = []
    for job_id in ids:
        fence, holder = await store.hmget(make_key(job_id), "fence", "worker")
        job = await find_job(store, job_id)
        if job is None or holder != worker:
            continue
        is_started = job.state is JobState.RUNNING
        one = Assignment(job_id, job.attempt, int(str(fence)), job.client_id, True, is_started)
        adopted.append((job.backend, one))
    return adopted


def _list_fences(assignments: Sequence[Assignment]) -> list[str | int | float]:
    return [part for one in assignments for part in (one.job_id, one.fence)]


def _check(answer: str) -> str:
    if answer in ("stale", "terminal"):
        raise LeaseLost(answer)
    return answer
