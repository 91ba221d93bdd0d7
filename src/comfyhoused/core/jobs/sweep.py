"""What time alone decides about jobs; every worker looks, none is needed."""

import json

from comfyhoused.adapters.redis.client import Store
from comfyhoused.core.jobs.endings import make_expiry
from comfyhoused.core.jobs.scripts import SCRIPTS


async def sweep_deadlines(store: Store, *, most: int = 100) -> tuple[int, int]:
    """Expire jobs that waited too long, bring back delayed ones; returns both counts."""
    expired, woken = await SCRIPTS.run(store, "sweep", most, json.dumps(make_expiry()))
    return expired, woken
