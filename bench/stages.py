"""Where the time of a job goes: from the record, the engine's log and the customer's clock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from bench.figures import Figure, find_percentile
from comfyhoused.kit.ids import make_attempt_id

_NAMES = (
    "sent → accepted for good",
    "accepted → the server begins",
    "the server runs",
    "the server is done → succeeded, outputs kept",
    "succeeded → the customer knows",
)


@dataclass(frozen=True, slots=True)
class Journey:
    """A job as the customer saw it; instants are seconds of the wall clock."""

    sent_at: float
    told_at: float
    job: Mapping[str, Any]


def make_stage_figures(
    journeys: Sequence[Journey], executions: Sequence[Mapping[str, Any]]
) -> list[Figure]:
    """Return the median of each stage; the record keeps whole milliseconds."""
    runs: dict[str, dict[str, float]] = {}
    for line in executions:
        runs.setdefault(line["prompt_id"], {})[line["event"]] = line["at"]
    rows = [_measure(one, runs[make_attempt_id(one.job["job_id"], 1)]) for one in journeys]
    return [
        Figure(f"no-op stage: {name}, p50", "ms", find_percentile(column, 50))
        for name, column in zip(_NAMES, zip(*rows, strict=True), strict=True)
    ]


def _measure(journey: Journey, run: Mapping[str, float]) -> list[float]:
    instants = [
        journey.sent_at,
        _read(journey.job["created_at"]),
        run["start"],
        run["end"],
        _read(journey.job["finished_at"]),
        journey.told_at,
    ]
    return [(later - earlier) * 1000 for earlier, later in pairwise(instants)]


def _read(instant: str) -> float:
    return datetime.fromisoformat(instant).timestamp()
