"""What time alone decides about jobs; every worker looks, none is needed."""

import json

from comfyhoused.adapters.redis.client import Store
from comfyhoused.core.jobs.scripts import SCRIPTS
from comfyhoused.kit.errors import Conflict, make_problem


class JobExpired(Conflict):
    """It waited longer than `expires_in_seconds` and was never started. It is free."""

    code = "job_expired"
    title = "The job waited too long"
    retryable = True


async def sweep_deadlines(store: Store, *, most: int = 100) -> tuple[int, int]:
    """Expire jobs that waited too long, bring back delayed ones; returns both counts."""
    problem = make_problem(JobExpired("No server was free in time. You were not charged."))
    expired, woken = await SCRIPTS.run(store, "sweep", most, json.dumps(problem))
    return expired, woken
