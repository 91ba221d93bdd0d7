"""A batch as the API shows it."""

from comfyhoused.api.batch_schemas import BatchCounts, BatchResponse, BatchUnits
from comfyhoused.api.charging import measure_charge
from comfyhoused.core.jobs.batches import Batch
from comfyhoused.core.workflows.cost import UnitTable


def render_batch(table: UnitTable, batch: Batch) -> BatchResponse:
    """Return a batch; delivered jobs count as what they will be charged."""
    due = sum(measure_charge(table, one.kind, one.units, one.ran_seconds) for one in batch.due)
    return BatchResponse(
        batch_id=batch.id,
        status="running" if batch.finished_at is None else "completed",
        created_at=batch.created_at,
        finished_at=batch.finished_at,
        total=batch.total,
        counts=BatchCounts(**batch.counts),
        units=BatchUnits(reserved=batch.reserved_units, used=batch.charged_units + due),
        retries=batch.rounds,
        metadata=batch.metadata,
    )


def make_batch_headers(batch_id: str) -> dict[str, str]:
    """Return headers that say where a batch is."""
    return {"Location": f"/api/v1/batches/{batch_id}"}
