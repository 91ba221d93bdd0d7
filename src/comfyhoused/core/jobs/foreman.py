"""One worker process: it keeps leases, hears the bell, adopts what others have lost."""

import asyncio
from contextlib import suppress

from comfyhoused.adapters.comfyui.errors import BackendBroken, BackendUnreachable
from comfyhoused.adapters.redis.client import DOWN, StoreUnavailable
from comfyhoused.core.fleet.added import list_added
from comfyhoused.core.fleet.backends import Backend, forget_others, list_backends
from comfyhoused.core.fleet.link import BackendDied, BackendLink
from comfyhoused.core.fleet.tending import Tender
from comfyhoused.core.jobs.assignment import (
    Assignment,
    LeaseLost,
    adopt,
    release,
    renew,
    requeue,
)
from comfyhoused.core.jobs.insist import insist
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

    def __init__(self, resources: Resources, worker: str, *, client_prefix: str) -> None:
        self.worker = worker
        self.stations: dict[str, Station] = {}
        self._tasks: dict[str, list[asyncio.Task[None]]] = {}
        self._client_prefix = client_prefix
        self._resources = resources
        self._jobs = resources.settings.jobs
        self._lease_ms = int(self._jobs.lease_seconds * 1000)

    async def work(self) -> None:
        """Run until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_fleet(group))
            group.create_task(self._keep_leases())
            group.create_task(self._sweep())
            group.create_task(self._listen())

    async def _keep_fleet(self, group: asyncio.TaskGroup) -> None:
        """Have one station at each backend of the fleet; servers come and go while we run."""
        while True:
            backends = await insist(self._list_backends)
            ids = [backend.id for backend in backends]
            for backend in backends:
                self._open_station(group, backend)
            for gone in self.stations.keys() - set(ids):
                await self._close_station(gone)
            with suppress(StoreUnavailable):
                await forget_others(self._resources.store, ids)
            await asyncio.sleep(self._jobs.sweep_seconds)

    async def _list_backends(self) -> list[Backend]:
        settings = self._resources.settings
        is_open = settings.house.mode == "development"
        added = await list_added(self._resources.store) if is_open else []
        return list_backends(settings, added)

    def _open_station(self, group: asyncio.TaskGroup, backend: Backend) -> None:
        station = self.stations.get(backend.id)
        if station is not None:
            station.link.backend = backend  # its modes may be others now
            return
        log.info("%s works at %s", self.worker, backend.id)
        # One for each backend: two names may stand for the same server, where sockets with
        # one client id would take each other's frames.
        client_id = f"{self._client_prefix}{self.worker}-{backend.id}"
        link = BackendLink(backend, self._resources.settings.fleet, client_id)
        station = Station(self._resources, link, self.worker)
        self.stations[backend.id] = station
        self._tasks[backend.id] = [
            group.create_task(station.work()),
            group.create_task(self._make_tender(link).work()),
        ]

    async def _close_station(self, backend_id: str) -> None:
        """A backend has left the fleet: what it had is taken off it and tried elsewhere."""
        log.info("%s leaves %s", self.worker, backend_id)
        station = self.stations.pop(backend_id)
        for task in self._tasks.pop(backend_id):
            task.cancel()
        held = await station.stop()
        for assignment in held:
            with suppress(BackendDied, BackendUnreachable, BackendBroken):
                await station.link.remove_prompt(assignment.attempt_id)
            await self._give_back(assignment)
        await station.link.close()

    async def _give_back(self, assignment: Assignment) -> None:
        with suppress(LeaseLost):
            await insist(lambda: requeue(self._resources.store, assignment, is_blamed=False))

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
        if not self.stations:  # the fleet is not read yet
            return
        known = [key for key, one in self.stations.items() if one.link.is_known.is_set()]
        adopted = await adopt(
            self._resources.store,
            self.worker,
            known,
            self._lease_ms,
            _MOST_ADOPTED,
            fleet=list(self.stations),
        )
        for backend, assignment in adopted:
            log.info("adopting job %s, attempt %d", assignment.job_id, assignment.attempt)
            if backend in self.stations:
                await self.stations[backend].adopt(assignment)
            else:
                await self._give_back(assignment)

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
