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
from comfyhoused.adapters.comfyui.history import Outcome
from comfyhoused.adapters.comfyui.look import Absent, Finished, Look, Running
from comfyhoused.adapters.comfyui.socket import FrameSocket
from comfyhoused.adapters.comfyui.watch import SocketLost, Watch, WatchEvent
from comfyhoused.core.fleet.link import BackendDied, BackendLink
from comfyhoused.core.jobs.assignment import LeaseLost, confirm, start
from comfyhoused.core.jobs.insist import insist
from comfyhoused.core.jobs.reporting import ProgressReport
from comfyhoused.core.jobs.run import Run, StopReason
from comfyhoused.resources import Resources

#: After so long without a frame the backend is asked.
_SILENCE_SECONDS = 1.0
#: How often the history is read again after a frame said that the run is over.
_LAGS_SECONDS = (0.003, 0.01, 0.05, 0.25)


async def _wait(watch: Watch, stop: asyncio.Event | None, seconds: float) -> WatchEvent | None:
    """Return the next event; None when the time is over or a stop is asked for."""
    receiving = asyncio.ensure_future(watch.receive())
    waiting: set[asyncio.Future[Any]] = {receiving}
    if stop is not None:
        waiting.add(asyncio.ensure_future(stop.wait()))
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
    backend has forgotten it, LeaseLost when another worker has it.
    """
    report = ProgressReport(resources.store, run.job)
    is_removing = False
    while True:
        if found is not None:
            is_over, outcome = _consider(resources, run, found)
            if is_over:
                return outcome
            found = None
        if run.stop.is_set() and not is_removing:
            is_removing = True
            found = await _remove(resources, link, run)
            continue
        event = await _wait(watch, None if is_removing else run.stop, _get_patience(run))
        if isinstance(event, Ended):
            found = await _read_end(link, run)
        elif event is not None and not isinstance(event, SocketLost):
            await _note(resources, run, report, event)
        elif is_removing:
            # An interrupt may come late or hit nothing: ask again until it is gone.
            await link.pace()
            found = await _remove(resources, link, run)
        elif run.is_out_of_time:
            run.ask_to_stop(StopReason.TIMED_OUT)
        elif not run.stop.is_set():
            found = await _poll(link, run)


def _get_patience(run: Run) -> float:
    left = run.seconds_left
    return _SILENCE_SECONDS if left is None else max(0.0, min(_SILENCE_SECONDS, left))


async def _remove(resources: Resources, link: BackendLink, run: Run) -> Look:
    # A worker that slept may have lost the job: the prompt is another one's to remove then.
    await insist(lambda: confirm(resources.store, run.assignment))
    return await link.remove_prompt(run.assignment.attempt_id)


async def _poll(link: BackendLink, run: Run) -> Look:
    await link.pace()
    if link.is_stuck:
        raise BackendDied("The backend answers, but its queue does not move any more.")
    look = await link.look(run.assignment.attempt_id)
    if not isinstance(look, Finished) and not await link.is_same_boot(run.boot_id):
        raise BackendDied("The backend was started anew.")
    return look


def _consider(resources: Resources, run: Run, look: Look) -> tuple[bool, Outcome | None]:
    """Return whether the attempt is over, and how."""
    if isinstance(look, Finished):
        return True, look.outcome
    if isinstance(look, Absent):
        if run.stop_reason is not None:
            return True, None
        raise BackendDied("The backend does not know the prompt any more.")
    if isinstance(look, Running):
        _start(resources, run)
    return False, None


async def _read_end(link: BackendLink, run: Run) -> Look | None:
    for lag in (0.0, *_LAGS_SECONDS):
        await asyncio.sleep(lag)
        with suppress(BackendUnreachable, BackendBroken):  # the poll below tells which it is
            outcome = await link.client.find_outcome(run.assignment.attempt_id)
            if outcome is not None:
                return Finished(outcome)
    return await _poll(link, run)


def _start(resources: Resources, run: Run) -> None:
    """Have the start written down. Frames do not wait for it: `finish` makes up for a late one."""
    if not run.is_started:
        run.mark_started()
        run.starting = asyncio.create_task(_write_start(resources, run))


async def _write_start(resources: Resources, run: Run) -> None:
    with suppress(LeaseLost):  # the next fenced write finds that out, too
        await insist(lambda: start(resources.store, run.assignment))


async def _note(resources: Resources, run: Run, report: ProgressReport, event: WatchEvent) -> None:
    if isinstance(event, Started | NodeStarted | Progress | Preview):
        _start(resources, run)
        await report.note(event)
