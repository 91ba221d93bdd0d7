"""Follow an attempt to its end: the socket hints, the history decides."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from comfyhoused.adapters.comfyui.errors import BackendBroken, BackendUnreachable
from comfyhoused.adapters.comfyui.frames import (
    Ended,
    NodeStarted,
    Preview,
    Progress,
    Started,
)
from comfyhoused.adapters.comfyui.history import Outcome, OutcomeStatus
from comfyhoused.adapters.comfyui.look import Absent, Finished, Look, Running
from comfyhoused.adapters.comfyui.socket import FrameSocket
from comfyhoused.adapters.comfyui.watch import SocketLost, Watch, WatchEvent
from comfyhoused.core.fleet.link import BackendDied, BackendLink
from comfyhoused.core.jobs.assignment import LeaseLost, confirm, start
from comfyhoused.core.jobs.endings import ResultLost
from comfyhoused.core.jobs.insist import insist
from comfyhoused.core.jobs.reporting import ProgressReport
from comfyhoused.core.jobs.run import Run, StopReason
from comfyhoused.core.jobs.submission import AttemptOver
from comfyhoused.resources import Resources

#: After so long without a frame the backend is asked.
_SILENCE_SECONDS = 1.0
#: The start of a run that is over so soon is not worth a write of its own.
_SHORT_RUN_SECONDS = 0.02
#: How often the history is read again after a frame said that the run is over.
_LAGS_SECONDS = (0.003, 0.01, 0.05, 0.25)


async def _wait(watch: Watch, run: Run, removal_in: float | None) -> WatchEvent | None:
    """Return the next event; None when it is time to do something else.

    That is: after a silence, when the time limit is over, when a stop is asked for or,
    once it is, when the removal is due again.
    """
    receiving = asyncio.ensure_future(watch.receive())
    waiting: set[asyncio.Future[Any]] = {receiving}
    seconds = removal_in
    if seconds is None:
        waiting.add(asyncio.ensure_future(run.stop.wait()))
        left = run.seconds_left
        seconds = _SILENCE_SECONDS if left is None else max(0.0, min(_SILENCE_SECONDS, left))
    try:
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        return receiving.result() if receiving.done() else None
    finally:
        for one in waiting:
            one.cancel()


@asynccontextmanager
async def open_watch(link: BackendLink, run: Run) -> AsyncIterator[Watch]:
    """Watch the attempt's frames; they go only to the client id that queued it."""
    if run.assignment.client_id == link.client_id:
        async with link.socket.watch(run.assignment.attempt_id) as watch:
            yield watch
        return
    # Adopted: the old socket is gone with its worker, so its id is free to be used.
    socket = FrameSocket(link.backend.url, run.assignment.client_id)
    reader = asyncio.create_task(socket.run())
    try:
        async with socket.watch(run.assignment.attempt_id) as watch:
            yield watch
    finally:
        reader.cancel()
        with suppress(asyncio.CancelledError):
            await reader


async def follow(
    resources: Resources, link: BackendLink, run: Run, watch: Watch, found: Look | None
) -> Outcome | None:
    """Return how the attempt ended; None when it was taken off before it began.

    `found` is what a look showed after the submission. Raises BackendDied when the
    backend has forgotten it, ResultLost when it has forgotten the end of it, AttemptOver
    when it was taken back, LeaseLost when another worker has it.
    """
    report = ProgressReport(resources.store, run.job)
    removal = _Removal(resources, link, run)
    while True:
        if isinstance(found, Finished):
            return found.outcome
        if isinstance(found, Absent):
            if await removal.is_certain():
                return None
            await _explain_absence(link, run)
        if isinstance(found, Running):
            _start(resources, run)
        if run.stop.is_set() and removal.seconds_left == 0:
            found = await removal.remove()
            continue
        found = None
        event = await _wait(watch, run, removal.seconds_left)
        if isinstance(event, Ended):
            found = await _read_end(link, run)
        elif event is not None and not isinstance(event, SocketLost):
            await _note(resources, run, report, event)
        elif run.is_out_of_time:
            run.ask_to_stop(StopReason.TIMED_OUT)
        elif run.has_expired:
            found = await _take_back(resources, link, run)
        elif not run.stop.is_set():
            found = await _poll(link, run)


class _Removal:
    """Taking an attempt off its backend, again and again until it is gone.

    An interrupt may come late or hit nothing, though frames go on to come.
    """

    def __init__(self, resources: Resources, link: BackendLink, run: Run) -> None:
        self._resources = resources
        self._link = link
        self._run = run
        self._next_at: float | None = None
        self._is_forbidden = run.is_posted

    @property
    def seconds_left(self) -> float | None:
        """Seconds until it is due; None while nothing is to be removed."""
        if not self._run.stop.is_set():
            return None
        now = asyncio.get_running_loop().time()
        return 0 if self._next_at is None else max(0.0, self._next_at - now)

    async def remove(self) -> Look:
        """Delete, interrupt, look; not what another worker has meanwhile: LeaseLost."""
        await insist(lambda: confirm(self._resources.store, self._run.assignment))
        look = await self._link.remove_prompt(self._run.assignment.attempt_id)
        self._next_at = asyncio.get_running_loop().time() + _SILENCE_SECONDS
        return look

    async def is_certain(self) -> bool:
        """Tell whether the absent attempt can be given up.

        A POST of it may still be on its way, from a worker that was stopped before it. So
        the fence is told first (without one the time of a POST is waited out), and it is
        looked for once more.
        """
        if not self._run.stop.is_set() or self._is_forbidden:
            return self._run.stop.is_set()
        if self._link.has_pack:
            await self._link.forbid(self._run.assignment.attempt_id)
        elif self._run.assignment.is_adopted:
            await asyncio.sleep(self._resources.settings.fleet.post_timeout_seconds)
        self._is_forbidden = True
        self._next_at = None
        return False


async def _explain_absence(link: BackendLink, run: Run) -> None:
    """Raise what it means that the backend does not know the attempt; not while it is stopped."""
    if run.stop.is_set():
        return
    if not await link.has_lived_on(run.boot_id):
        raise BackendDied("The backend does not know the prompt any more.")
    if run.is_started:
        raise ResultLost("It ran, but the server has forgotten how it ended.")
    raise AttemptOver("Somebody took it out of the backend's queue.")


async def _take_back(resources: Resources, link: BackendLink, run: Run) -> Look:
    """Take a staged attempt out of the queue, not if it runs by now; raises AttemptOver."""
    await insist(lambda: confirm(resources.store, run.assignment))
    await link.pace()
    with suppress(BackendUnreachable, BackendBroken):
        await link.client.delete_pending(run.assignment.attempt_id)
    look = await link.look(run.assignment.attempt_id)
    if isinstance(look, Absent):
        raise AttemptOver("It was taken back, for it waited too long.")
    return look


async def _poll(link: BackendLink, run: Run) -> Look:
    await link.pace()
    if link.is_stuck:
        raise BackendDied("The backend answers, but its queue does not move any more.")
    return await link.look(run.assignment.attempt_id)


async def _read_end(link: BackendLink, run: Run) -> Look | None:
    for lag in (0.0, *_LAGS_SECONDS):
        await asyncio.sleep(lag)
        with suppress(BackendUnreachable, BackendBroken):  # the poll below tells which it is
            outcome = await link.client.find_outcome(run.assignment.attempt_id)
            if outcome is not None:
                return Finished(outcome)
    return await _poll(link, run)


def _start(resources: Resources, run: Run) -> None:
    """Have the start written down. Frames do not wait: `finish` makes up for a missing start."""
    if not run.is_started:
        run.mark_started()
        run.starting = asyncio.create_task(_write_start(resources, run))


async def _write_start(resources: Resources, run: Run) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(_SHORT_RUN_SECONDS):
            await run.has_left.wait()
        if run.outcome is not None and run.outcome.status is OutcomeStatus.SUCCEEDED:
            return
    with suppress(LeaseLost):  # the next fenced write finds that out, too
        await insist(lambda: start(resources.store, run.assignment))


async def _note(resources: Resources, run: Run, report: ProgressReport, event: WatchEvent) -> None:
    if isinstance(event, Started | NodeStarted | Progress | Preview):
        _start(resources, run)
        await report.note(event)
