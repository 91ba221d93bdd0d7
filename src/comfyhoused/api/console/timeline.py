"""What happened to a job, in order, and where its time went."""

from dataclasses import dataclass
from datetime import datetime

from comfyhoused.adapters.redis.client import Store
from comfyhoused.core.jobs.events import Event, list_events
from comfyhoused.core.jobs.record import Job
from comfyhoused.core.jobs.states import JobState
from comfyhoused.kit.clock import make_instant


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of the timeline; `glyph` is a state, or empty for a plain dot."""

    at: datetime
    glyph: str
    words: str
    more: str = ""


@dataclass(frozen=True, slots=True)
class Share:
    """A part of the total time; `offset` and `width` are thousandths of the whole."""

    words: str
    seconds: float
    look: str
    offset: int
    width: int


_ENDS = {
    JobState.SUCCEEDED: "Delivered",
    JobState.FAILED: "Failed",
    JobState.CANCELED: "Canceled",
    JobState.EXPIRED: "Waited too long",
}


async def list_moments(store: Store, job: Job) -> tuple[Moment, ...]:
    """Return the moments of a job. Its events live two days; then the record tells less."""
    received = Moment(job.created_at, "", "Received", _describe_sender(job))
    events = await list_events(store, job.id)
    if not events:
        return (received, *_tell_from_record(job))
    return (received, *(_tell(event, job) for event in events))


def list_shares(job: Job) -> tuple[Share, ...]:
    """Return how the time of a finished job divides; empty where it never began."""
    if job.started_at is None or job.finished_at is None:
        return ()
    waited = max(0.0, (job.started_at - job.created_at).total_seconds())
    made = max(0.0, (job.finished_at - job.started_at).total_seconds())
    total = waited + made
    if total == 0:
        return ()
    edge = round(1000 * waited / total)
    return (
        Share("Waiting in line", waited, "a", 0, max(2, edge - 2)),
        Share("Making and delivering", made, "c", edge, 1000 - edge),
    )


def _describe_sender(job: Job) -> str:
    return "In test mode, free" if job.mode == "test" else ""


def _tell(event: Event, job: Job) -> Moment:
    at = make_instant(int(event.data["at"]))
    state = JobState(event.data["state"])
    if state is JobState.QUEUED:
        again = bool(event.data.get("again"))
        words = "In line again" if again else "In line"
        return Moment(at, "queued", words, "Its server was lost, or gave it back" if again else "")
    if state is JobState.RUNNING:
        return Moment(at, "queued", "A server began it", _name_server(job))
    return Moment(at, state.value, _ENDS[state], _describe_end(job))


def _tell_from_record(job: Job) -> list[Moment]:
    moments = []
    if job.started_at is not None:
        moments.append(Moment(job.started_at, "queued", "A server began it", _name_server(job)))
    if job.finished_at is not None and job.state in _ENDS:
        words = _ENDS[job.state]
        moments.append(Moment(job.finished_at, job.state.value, words, _describe_end(job)))
    return moments


def _name_server(job: Job) -> str:
    tries = f", try {job.attempt}" if job.attempt > 1 else ""
    return f"{job.backend}{tries}" if job.backend else ""


def _describe_end(job: Job) -> str:
    if job.state is JobState.SUCCEEDED:
        count = len(job.outputs)
        return f"{count} file{'' if count == 1 else 's'}"
    return "Nothing was charged"
