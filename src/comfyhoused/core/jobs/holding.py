"""Is the attempt still ours? Asked right before anything that must not happen twice.

A worker may be stopped for minutes between two lines of its program, and another one has
taken its jobs over meanwhile. The clock goes on while it sleeps, so it can tell.
"""

import asyncio

from comfyhoused.core.jobs.assignment import LeaseLost, confirm, renew
from comfyhoused.core.jobs.insist import insist
from comfyhoused.core.jobs.run import Run
from comfyhoused.resources import Resources


async def ensure_held(resources: Resources, run: Run) -> None:
    """Raise LeaseLost if another worker has it; asks Redis only where a lease may have run out."""
    loop = asyncio.get_running_loop()
    lease_seconds = resources.settings.jobs.lease_seconds
    while loop.time() - run.confirmed_at > lease_seconds / 2:
        asked_at = loop.time()
        await insist(lambda: confirm(resources.store, run.assignment))
        run.confirmed_at = asked_at


async def ensure_lease_outlasts_post(resources: Resources, run: Run) -> None:
    """Renew the lease, so that nobody else may submit while our POST can still arrive.

    For backends without the fence. Raises LeaseLost.
    """
    loop = asyncio.get_running_loop()
    lease_seconds = resources.settings.jobs.lease_seconds
    spare_seconds = lease_seconds - resources.settings.fleet.post_timeout_seconds
    while True:
        asked_at = loop.time()
        lost, _ = await insist(
            lambda: renew(resources.store, [run.assignment], int(lease_seconds * 1000))
        )
        if lost:
            raise LeaseLost("another worker has it")
        run.confirmed_at = asked_at
        # Stopped meanwhile: the lease that was renewed may be over again.
        if loop.time() - asked_at < max(spare_seconds, lease_seconds / 4):
            return
