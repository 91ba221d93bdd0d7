"""What a delivered job is charged: never more than was reserved, and nothing for failures."""

from math import ceil

from comfyhoused.core.jobs.record import Job
from comfyhoused.core.jobs.states import JobState
from comfyhoused.core.workflows.cost import UnitTable

#: Kinds whose price is known before they run; others are measured.
_PRICED_BEFORE = frozenset({"generate", "upscale", ""})


def measure_charge(table: UnitTable, kind: str, reserved: int, ran_seconds: float) -> int:
    """Return the units of a delivered job: a workflow's by the time its server took.

    Where that time is not known it counts as reserved.
    """
    if kind in _PRICED_BEFORE or ran_seconds <= 0:
        return reserved
    return min(reserved, max(1, ceil(ran_seconds / table.gpu_seconds)))


def count_charge(table: UnitTable, job: Job) -> int:
    """Return what a job costs or has cost; 0 unless it was delivered."""
    if job.state is not JobState.SUCCEEDED:
        return 0
    if job.charged_units is not None:
        return job.charged_units
    return measure_charge(table, job.kind, job.reserved_units, job.ran_seconds)
