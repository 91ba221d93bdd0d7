"""One worker process: it keeps leases, hears the bell, adopts what others have lost."""

import asyncio
from collections.abc import Sequence

from comfyhoused.adapters.redis.client import DOWN, StoreUnavailable
from comfyhoused.core.fleet.link import BackendLink
from comfyhoused.core.fleet.tending import Tender
from comfyhoused.core.jobs.assignment import adopt, release, renew
from comfyhoused.core.jobs.station import Station, drop
from comfyhoused.core.jobs.strays import remove_strays
from comfyhoused.core.jobs.sweep import sweep_deadlines
from comfyhoused.kit.log import get_logger
from comfyhoused.resources import Resources

log = get_logger(__name__)

_BELL = "ch:1:bell"
_CONTROL = "ch:1:control"
_MOST_ADOPTED = 20


class Foreman:
    """The stations of a worker process and what keeps them going."""

    def __init__(
        self, resources: Resources, worker: str, links: Sequence[BackendLink], *, client_prefix: str
    ) -> None:
        self.worker = worker
        self._client_prefix = client_prefix
        self.stations = {link.backend.id: Station(resources, link, worker) for link in links}
        self._resources = resources
        self._jobs = resources.settings.jobs
        self._lease_ms = int(self._jobs.lease_seconds * 1000)

    async def work(self) -> None:
        """Run until cancelled."""
        async with asyncio.TaskGroup() as group:
            for station in self.stations.values():
                group.create_task(station.work())
                group.create_task(self._make_tender(station.link).work())
            group.create_task(self._keep_leases())
            group.create_task(self._sweep())
            group.create_task(self._listen())

    def _make_tender(self, link: BackendLink) -> Tender:
        return Tender(
            self._resources,
            link,
            lambda one: remove_strays(self._resources, one, self._client_prefix),
        )

    async def leave(self) -> int:
        """Leave in good order: leases are given back, prompts go on; returns how many."""
        held = [one for station in self.stations.values() for one in await station.stop()]
        for station in self.stations.values():
            await station.link.close()
        try:
            return await release(self._resources.store, held)
        except StoreUnavailable:
            return 0

    def ring(self) -> None:
        """Look for work now."""
        for station in self.stations.values():
            station.bell.set()

    async def _keep_leases(self) -> None:
        while True:
            await asyncio.sleep(self._lease_ms / 4000)
            held = [run for station in self.stations.values() for run in station.list_held()]
            asked_at = asyncio.get_running_loop().time()
            try:
                lost, canceling = await renew(
                    self._resources.store, [run.assignment for run in held], self._lease_ms
                )
            except StoreUnavailable:
                continue
            for run in held:
                if run.job.id in lost:
                    drop(run)
                else:
                    run.confirmed_at = asked_at
            for station in self.stations.values():
                for job_id in canceling:
                    station.cancel(job_id)

    async def _sweep(self) -> None:
        while True:
            try:
                await self._adopt()
                await sweep_deadlines(self._resources.store)
            except StoreUnavailable:
                log.warning("the store is away; nothing is swept")
            await asyncio.sleep(self._jobs.sweep_seconds)

    async def _adopt(self) -> None:
        known = [key for key, one in self.stations.items() if one.link.is_known.is_set()]
        adopted = await adopt(
            self._resources.store, self.worker, known, self._lease_ms, _MOST_ADOPTED
        )
        for backend, assignment in adopted:
            log.info("adopting job %s, attempt %d", assignment.job_id, assignment.attempt)
            await self.stations[backend].take(assignment)

    async def _listen(self) -> None:
        """Hear the bell and cancellations; both are only hints, the sweep finds what is missed."""
        while True:
            pubsub = self._resources.store.pubsub(ignore_subscribe_messages=True)
            try:
                await pubsub.subscribe(_BELL, _CONTROL)
                self.ring()
                while True:
                    message = await pubsub.get_message(timeout=None)
                    if message is not None:
                        self._hear(message["channel"], message["data"])
            except DOWN:
                await asyncio.sleep(0.5)
            finally:
                await pubsub.aclose()  # type: ignore[no-untyped-call]

    def _hear(self, channel: str, data: str) -> None:
        if channel == _BELL:
            self.ring()
            return
        for station in self.stations.values():
            station.cancel(data)
