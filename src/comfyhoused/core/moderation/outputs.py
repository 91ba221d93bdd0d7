"""Outputs before they are delivered: they lie in our storage, and nobody knows of them yet."""

from collections.abc import Sequence
from typing import Any

from comfyhoused.core.files.content_types import EXTENSIONS
from comfyhoused.core.files.records import FileDraft
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
        "url": await make_draft_link(resources, draft),
    }


async def make_draft_link(resources: Resources, draft: FileDraft) -> str:
    """Return a signed link to an object that has no record yet."""
    settings = resources.settings
    return await resources.storage.make_link(
        draft.key,
        expires_in_seconds=settings.storage.link_seconds,
        content_type=draft.content_type,
        filename=f"{draft.id}.{EXTENSIONS[draft.content_type]}",
        public_url=settings.http.base_url,
        etag=draft.hash,
    )
