"""Outputs before they are delivered: they lie in our storage, and nobody knows of them yet."""

from collections.abc import Sequence
from typing import Any

from comfyhoused.core.files.links import make_file_link
from comfyhoused.core.jobs.record import Job
from comfyhoused.core.jobs.success import Delivery
from comfyhoused.core.moderation.asking import ModerationDown, ask
from comfyhoused.kit.errors import BackendFailure
from comfyhoused.resources import Resources


class OutputsUnjudged(BackendFailure):
    """The job ran, but nobody could judge its outputs, and nothing is handed over unjudged."""

    code = "outputs_unjudged"
    title = "The outputs could not be judged"
    retryable = False  # by us: it would run on a GPU again, only to wait for the same judge


async def review_outputs(resources: Resources, job: Job, deliveries: Sequence[Delivery]) -> None:
    """Ask the operator's judge about the outputs; raises ContentRefused, OutputsUnjudged."""
    settings = resources.settings.moderation
    if resources.moderator is None or not settings.moderation_after:
        return
    question = {
        "stage": "after",
        "owner": job.owner,
        "mode": job.mode,
        "job_id": job.id,
        "kind": job.kind,
        "template": job.template,
        "outputs": [await _describe(resources, one) for one in deliveries],
    }
    try:
        await ask(resources.moderator, question, when_down=settings.moderation_when_down)
    except ModerationDown as error:
        raise OutputsUnjudged("Submit the job again later. It is free.") from error


async def _describe(resources: Resources, delivery: Delivery) -> dict[str, Any]:
    draft = delivery.draft
    return {
        "node_id": delivery.node_id,
        "kind": delivery.kind,
        "file_id": draft.id,
        "content_type": draft.content_type,
        "size_bytes": draft.size_bytes,
        "hash": draft.hash,
        "url": await make_file_link(resources, draft),
    }
