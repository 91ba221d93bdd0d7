"""One attempt in the hands of this worker.

`has_left` is set when the backend is done with it, though its outputs are still being
fetched: its slot is free for the next one. `is_ending` is set when its last write
is under way: that write itself finds out whether the lease was lost. `is_posted` is set
when the backend has answered the submission, `is_delivering` when outputs are being kept,
`confirmed_at` is when the lease was last known to be ours. `spec` came with the claim; whoever
adopts a job reads it when it is needed.
"""

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum

from comfyhoused.adapters.comfyui.history import Outcome
from comfyhoused.core.jobs.assignment import Assignment
from comfyhoused.core.jobs.record import Job, Spec
from comfyhoused.kit.clock import get_now_ms


class StopReason(StrEnum):
    """Why an attempt is taken off its backend."""

    CANCELED = "canceled"
    TIMED_OUT = "timed_out"


@dataclass(slots=True)
class Run:
    """What the driving of one attempt knows; times are the event loop's, in seconds."""

    assignment: Assignment
    job: Job
    spec: Spec | None = None
    is_started: bool = False
    started_at: float | None = None
    boot_id: str = ""
    is_posted: bool = False
    is_delivering: bool = False
    confirmed_at: float = field(default_factory=lambda: asyncio.get_running_loop().time())
    stop_reason: StopReason | None = None
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    has_left: asyncio.Event = field(default_factory=asyncio.Event)
    is_ending: bool = False
    starting: asyncio.Task[None] | None = None
    outcome: Outcome | None = None
    inputs: list[str] = field(default_factory=list)
    task: asyncio.Task[None] | None = None

    @property
    def kind(self) -> str:
        """Runs of one kind take about equally long."""
        return str(self.job.facts.get("run_kind", self.job.id))

    def ask_to_stop(self, reason: StopReason) -> None:
        """Have the attempt taken off; the first reason counts."""
        if self.stop_reason is None:
            self.stop_reason = reason
            self.stop.set()

    def mark_started(self, seconds_ago: float = 0) -> None:
        """The backend runs it: since then its time limit counts."""
        self.is_started = True
        if self.started_at is None:
            self.started_at = asyncio.get_running_loop().time() - seconds_ago

    @property
    def has_expired(self) -> bool:
        """Tell whether it waits at the backend, never begun, longer than its owner wanted."""
        is_first = self.assignment.attempt == 1 and not self.is_started
        return is_first and get_now_ms() > self.job.expires_at.timestamp() * 1000

    @property
    def seconds_run(self) -> float:
        """Time since the backend began it; 0 while that is not known."""
        if self.started_at is None:
            return 0
        return asyncio.get_running_loop().time() - self.started_at

    @property
    def seconds_left(self) -> float | None:
        """Run time that is left; None while it has not begun."""
        if self.started_at is None:
            return None
        return self.job.timeout_seconds - self.seconds_run

    @property
    def is_out_of_time(self) -> bool:
        """Tell whether the time limit of the run is over."""
        left = self.seconds_left
        return left is not None and left <= 0
