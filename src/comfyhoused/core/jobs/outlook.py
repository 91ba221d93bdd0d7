"""How long a job would wait that came now: an estimate from the line and from usual run times."""

import json
from dataclasses import dataclass

from comfyhoused.adapters.redis.client import Store
from comfyhoused.core.fleet.backends import Mode, list_statuses
from comfyhoused.core.jobs.scripts import SCRIPTS


@dataclass(frozen=True, slots=True)
class Outlook:
    """Seconds; None where nothing is known yet. `jobs_before` go first, by the rules of turns."""

    jobs_before: int
    servers: int
    wait_seconds: float | None
    run_seconds: float | None


async def get_outlook(
    store: Store, *, mode: Mode, plan_class: str, owner: str, run_kind: str
) -> Outlook:
    """Return what an owner's next job of this kind has to expect."""
    backends = [one.id for one in await list_statuses(store, mode) if one.is_ready]
    before, busy, kind_ms, usual_ms = await SCRIPTS.run(
        store, "outlook", mode, plan_class, owner, run_kind, json.dumps(backends)
    )
    usual = _read_seconds(usual_ms)
    run = _read_seconds(kind_ms)
    wait = estimate_wait(int(before) + int(busy), len(backends), usual)
    return Outlook(int(before), len(backends), wait, run if run is not None else usual)


def estimate_wait(jobs_before: int, servers: int, usual_seconds: float | None) -> float | None:
    """Return the wait behind so many jobs that are waiting or running, in seconds.

    0 where a server is free; None where there is none, or nothing has run yet.
    """
    if servers == 0:
        return None
    if jobs_before < servers:
        return 0.0
    if usual_seconds is None:
        return None
    return round((jobs_before - servers + 1) * usual_seconds / servers, 1)


def _read_seconds(text: str) -> float | None:
    return round(int(text) / 1000, 3) if text else None
