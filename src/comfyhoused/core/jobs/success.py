"""The successful end of a job: its outputs are kept and it is over, in one round trip."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from comfyhoused.adapters.redis.client import Store
from comfyhoused.adapters.redis.scripts import run_together
from comfyhoused.core.files.records import (
    FileDraft,
    UploadTooSlow,
    WriterReplaced,
    prepare_creation,
    read_creation,
)
from comfyhoused.core.jobs.assignment import Assignment, LeaseLost, prepare_finish, read_finish
from comfyhoused.core.jobs.states import JobState


@dataclass(frozen=True, slots=True)
class Delivery:
    """An output whose bytes are in our storage, but which has no record yet."""

    node_id: str
    kind: str
    draft: FileDraft


async def succeed(
    store: Store, assignment: Assignment, deliveries: Sequence[Delivery], *, ran_seconds: float
) -> JobState:
    """Keep the outputs and end the job; returns the state it really got.

    The script that ends the job refuses where an output has no record. Raises LeaseLost and
    UploadTooSlow.
    """
    outputs = [_describe(one) for one in deliveries]
    creations = [prepare_creation(one.draft, assignment.fence) for one in deliveries]
    ending = prepare_finish(
        assignment,
        JobState.SUCCEEDED,
        {"outputs": json.dumps(outputs)},
        ran_seconds=ran_seconds,
        file_ids=[one.draft.id for one in deliveries],
    )
    *created, answer = await run_together(store, [*creations, ending])
    try:
        for one, verdict in zip(deliveries, created, strict=True):
            read_creation(verdict, one.draft)
    except WriterReplaced as error:
        raise LeaseLost("another worker has it") from error
    if answer == "unkept":
        raise UploadTooSlow("An output was gone before its job had ended.")
    return read_finish(answer)


def _describe(delivery: Delivery) -> dict[str, object]:
    """Return what the job's record says of an output."""
    draft = delivery.draft
    return {
        "node_id": delivery.node_id,
        "kind": delivery.kind,
        "file_id": draft.id,
        "content_type": draft.content_type,
        "size_bytes": draft.size_bytes,
        "hash": draft.hash,
        "width": draft.width,
        "height": draft.height,
    }
