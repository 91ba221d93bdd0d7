"""Admitting and claiming without a worker, for tests of the scripts alone."""

from typing import Any

from comfyhoused.adapters.redis.client import Store
from comfyhoused.core.jobs.admission import Application, admit
from comfyhoused.core.jobs.assignment import Assignment, Desk, claim
from comfyhoused.kit.ids import make_job_id


def make_desk(**changes: Any) -> Desk:
    """Return a worker's place at a backend."""
    fields: dict[str, Any] = {
        "backend": "one",
        "worker": "worker_a",
        "client_id": "client-a",
        "modes": ("live",),
        "slots": 2,
        "lease_ms": 8000,
    }
    return Desk(**{**fields, **changes})


async def admit_job(store: Store, owner: str = "account:a", **changes: Any) -> str:
    """Admit one job and return its id."""
    fields: dict[str, Any] = {
        "job_id": make_job_id(),
        "owner": owner,
        "mode": "live",
        "plan_class": "free",
        "kind": "workflow",
        "spec": {"graph": {}},
    }
    return (await admit(store, Application(**{**fields, **changes}))).job_id


async def claim_next(store: Store, desk: Desk | None = None, **more: Any) -> Assignment | None:
    """Claim as a worker does."""
    claimed = await claim(store, desk or make_desk(), booked_ms=1000, **more)
    return claimed.assignment if claimed is not None else None
