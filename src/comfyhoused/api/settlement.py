"""The API product's settlement: a delivered result is charged, everything else is free."""

from typing import Literal

from comfyhoused.api.charging import measure_charge
from comfyhoused.api.moderation import note_refused_job
from comfyhoused.api.plans import PlanBook
from comfyhoused.api.thresholds import notice_thresholds
from comfyhoused.api.webhook_events import emit_batch, emit_ending
from comfyhoused.core.jobs.settlement import Ending, settle
from comfyhoused.core.jobs.states import JobState
from comfyhoused.resources import Resources


async def settle_ending(resources: Resources, plans: PlanBook, ending: Ending) -> None:
    """Charge or release, and tell. Idempotent."""
    is_delivered = ending.state is JobState.SUCCEEDED
    verb: Literal["settle", "release"] = "settle" if is_delivered else "release"
    units = measure_charge(plans.units, ending.kind, ending.units, ending.ran_seconds)
    await settle(resources.store, ending.owner, ending.job_id, verb, units, period=ending.period)
    if is_delivered and units:
        await notice_thresholds(resources, plans, ending.owner, ending.period)
    await emit_ending(resources, ending)
    if ending.batch:
        await emit_batch(resources, ending.batch)
    await note_refused_job(resources, ending)
