"""A worker's place at one backend: take what there is to do while a slot is free."""

import asyncio
from collections.abc import Sequence

from comfyhoused.core.fleet.backends import Mode
from comfyhoused.core.fleet.link import BackendLink
from comfyhoused.core.jobs.assignment import Assignment, Desk, claim
from comfyhoused.core.jobs.driving import abandon, drive
from comfyhoused.core.jobs.insist import insist
from comfyhoused.core.jobs.record import find_job
from comfyhoused.core.jobs.run import Run, StopReason
from comfyhoused.kit.clock import get_now_ms
from comfyhoused.kit.log import get_logger
from comfyhoused.resources import Resources

log = get_logger(__name__)

#: One running and one staged job on each backend.
SLOTS = 2
#: Jobs so short that handing over takes longer than running may be staged in a small heap:
#: together they take at most so long, and nobody's turn is delayed by more.
_HEAP_SECONDS = 0.05
_MOST_SLOTS = 6
#: A job is staged when the running one has about so long to go, so that choices stay late.
_STAGE_AHEAD_SECONDS = 2.0
#: GPU time that is booked to an owner until the real one is known.
_USUAL_RUN_MS = 1000
#: Finished runs whose outputs may be on their way to us at once; more would fill memory.
_MOST_DELIVERING = 8


def drop(run: Run) -> None:
    """Stop driving a job that is in other hands."""
    if run.task is not None and not run.is_ending:
        log.warning("the lease of job %s is lost", run.job.id)
        run.task.cancel()


class Station:
    """Claims and drives jobs at one backend."""

    def __init__(self, resources: Resources, link: BackendLink, worker: str) -> None:
        self.link = link
        self.runs: dict[str, Run] = {}
        self.bell = asyncio.Event()
        self._resources = resources
        self._tasks: set[asyncio.Task[None]] = set()
        self._turn = 0
        self._desk = Desk(
            backend=link.backend.id,
            worker=worker,
            client_id=link.client_id,
            modes=link.backend.modes,
            slots=SLOTS,
            lease_ms=int(resources.settings.jobs.lease_seconds * 1000),
        )

    async def work(self) -> None:
        """Claim for ever: on the bell, when a slot comes free, and at every sweep."""
        while True:
            await self.link.is_ready.wait()
            self.bell.clear()
            pause = self._get_pause()
            if pause == 0 and await self._claim_one():
                continue
            limit = pause or self._resources.settings.jobs.sweep_seconds
            try:
                async with asyncio.timeout(limit):
                    await self.bell.wait()
            except TimeoutError:
                continue

    async def stop(self) -> list[Assignment]:
        """Drop what is being driven, prompts go on running; returns what was held."""
        held = [run.assignment for run in self.list_held()]
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        return held

    async def adopt(self, assignment: Assignment) -> None:
        """Begin to drive what another worker has lost."""
        job = await insist(lambda: find_job(self._resources.store, assignment.job_id))
        if job is not None:
            self._take(Run(assignment, job))

    def _take(self, run: Run) -> None:
        assignment, job = run.assignment, run.job
        if assignment.is_started and job.started_at is not None:
            run.mark_started(max(0.0, get_now_ms() / 1000 - job.started_at.timestamp()))
        if job.is_canceling:
            run.ask_to_stop(StopReason.CANCELED)
        # Adopted from ourselves, after a pause longer than the lease: one hand is enough.
        if job.id in self.runs:
            drop(self.runs[job.id])
        self.runs[job.id] = run
        run.task = asyncio.create_task(self._drive(run))
        self._tasks.add(run.task)
        run.task.add_done_callback(self._tasks.discard)

    def list_held(self) -> list[Run]:
        """Return the runs whose leases have to be kept."""
        return [run for run in self.runs.values() if not run.is_ending]

    def cancel(self, job_id: str) -> None:
        """Have a job taken off the backend if it is driven here."""
        if job_id in self.runs:
            self.runs[job_id].ask_to_stop(StopReason.CANCELED)

    async def _drive(self, run: Run) -> None:
        watcher = asyncio.create_task(self._ring_when_left(run))
        try:
            await drive(self._resources, self.link, run)
        except Exception:  # the border of one job: whatever it was, the others go on
            log.exception("driving job %s broke", run.job.id)
            await abandon(self._resources, self.link, run)
        finally:
            # Its slot came free when it left: ring only where that was not heard, or not enough.
            if not watcher.done() or self._count_delivering() >= _MOST_DELIVERING:
                self.bell.set()
            watcher.cancel()
            if self.runs.get(run.job.id) is run:
                del self.runs[run.job.id]

    async def _ring_when_left(self, run: Run) -> None:
        await run.has_left.wait()
        if run.started_at is not None:
            seconds = asyncio.get_running_loop().time() - run.started_at
            self.link.run_times.add(run.kind, seconds)
        self.bell.set()

    def _get_pause(self) -> float:
        """Seconds until the next claim is due; 0 is now."""
        at_backend = [run for run in self.runs.values() if not run.has_left.is_set()]
        if (
            len(at_backend) >= self._count_slots(at_backend)
            or self._count_delivering() >= _MOST_DELIVERING
        ):
            return self._resources.settings.jobs.sweep_seconds
        for run in at_backend:
            usual = self.link.run_times.find(run.kind)
            if usual is None or run.started_at is None:
                continue
            left = usual - (asyncio.get_running_loop().time() - run.started_at)
            if left > _STAGE_AHEAD_SECONDS:
                return left - _STAGE_AHEAD_SECONDS
        return 0

    def _count_delivering(self) -> int:
        return sum(run.has_left.is_set() for run in self.runs.values())

    def _count_slots(self, at_backend: Sequence[Run]) -> int:
        usual = [self.link.run_times.find(run.kind) for run in at_backend]
        known = [seconds for seconds in usual if seconds is not None]
        if not known or len(known) < len(usual):
            return SLOTS
        return min(_MOST_SLOTS, SLOTS + int(_HEAP_SECONDS / max(*known, 0.001)))

    async def _claim_one(self) -> bool:
        desk = self._desk
        slots = self._count_slots([run for run in self.runs.values() if not run.has_left.is_set()])
        modes = self._rotate(self.link.backend.modes)
        ended = [run.job.id for run in self.runs.values() if run.has_left.is_set()]
        claimed = await insist(
            lambda: claim(
                self._resources.store,
                Desk(desk.backend, desk.worker, desk.client_id, modes, slots, desk.lease_ms),
                booked_ms=_USUAL_RUN_MS,
                ended=ended,
            )
        )
        if claimed is None:
            return False
        self._take(Run(claimed.assignment, claimed.job, claimed.spec))
        return True

    def _rotate(self, modes: Sequence[Mode]) -> list[Mode]:
        """Give every mode the first place in turn."""
        self._turn += 1
        start = self._turn % len(modes)
        return [*modes[start:], *modes[:start]]
