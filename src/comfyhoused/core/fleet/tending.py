"""Look after one backend: reach it, learn what it is, put its queue in order, watch its health."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from comfyhoused.adapters.comfyui.client import Hello
from comfyhoused.adapters.comfyui.errors import BackendBroken, BackendUnreachable
from comfyhoused.adapters.redis.client import StoreUnavailable
from comfyhoused.core.fleet.backends import BackendState, BackendStatus, save_status
from comfyhoused.core.fleet.catalogues import release_catalogue, save_catalogue
from comfyhoused.core.fleet.link import BackendLink
from comfyhoused.core.workflows.catalogue import parse_catalogue
from comfyhoused.kit.clock import get_now_ms
from comfyhoused.kit.log import get_logger
from comfyhoused.resources import Resources

log = get_logger(__name__)

_LOOK_SECONDS = 3.0
_LOOK_WHILE_DOWN_SECONDS = 0.5
#: Models may be added while a server runs: its catalogue is read again so often.
_CATALOGUE_SECONDS = 30.0


class Tender:
    """Keeps one link's knowledge fresh; `work` runs until cancelled."""

    def __init__(
        self,
        resources: Resources,
        link: BackendLink,
        reconcile: Callable[[BackendLink], Awaitable[object]],
    ) -> None:
        self._resources = resources
        self._link = link
        self._reconcile = reconcile
        self._catalogue = ""
        self._checkpoints = 0
        self._version = ""
        self._read_at = -_CATALOGUE_SECONDS

    async def work(self) -> None:
        """Look, write down what was seen, wait."""
        socket = asyncio.create_task(self._link.socket.run())
        try:
            while True:
                await self._look()
                is_ready = self._link.is_ready.is_set()
                await asyncio.sleep(_LOOK_SECONDS if is_ready else _LOOK_WHILE_DOWN_SECONDS)
        finally:
            socket.cancel()

    async def _look(self) -> None:
        link = self._link
        try:
            await self._meet()
            await self._judge()
            if link.is_stuck:
                link.is_ready.clear()
            else:
                link.is_ready.set()
            await self._save("stuck" if link.is_stuck else "ready")
        except (BackendUnreachable, BackendBroken) as error:
            if link.is_ready.is_set():
                log.warning("backend %s is away: %s", link.backend.id, error.detail)
            link.is_ready.clear()
            await self._save("unreachable")
        except StoreUnavailable:
            log.warning("the store is away; backend %s is not written down", link.backend.id)
        link.is_known.set()

    async def _meet(self) -> None:
        """Learn which boot this is; a new one has forgotten our prompts and files."""
        link = self._link
        was_ready = link.is_ready.is_set()
        hello = await link.client.get_hello()
        is_other = link.adopt_boot(hello.boot_id if hello else "")
        link.has_pack = hello is not None and hello.has_fence
        if is_other or not was_ready:
            link.is_stuck = False
            await self._reconcile(link)
        if is_other or time.monotonic() - self._read_at >= _CATALOGUE_SECONDS:
            await self._read_catalogue(hello)

    async def _read_catalogue(self, hello: Hello | None) -> None:
        info = await self._link.client.get_object_info()
        stats = await self._link.client.get_system_stats()
        system = stats.get("system")
        self._version = str(system.get("comfyui_version", "")) if isinstance(system, dict) else ""
        catalogue = await save_catalogue(self._resources.store, info)
        if self._catalogue not in ("", catalogue):
            await release_catalogue(self._resources.store, self._catalogue)
        self._catalogue = catalogue
        self._checkpoints = len(parse_catalogue(info).checkpoints)
        self._read_at = time.monotonic()
        if self._checkpoints == 0:
            log.warning(
                "backend %s has no checkpoint: put one into its models/checkpoints folder",
                self._link.backend.id,
            )

    async def _judge(self) -> None:
        """Health is judged by progress, for HTTP goes on answering when the worker has died."""
        link = self._link
        queue = await link.client.get_queue()
        link.health.observe(queue, link.socket, time.monotonic())
        sign = link.health.find_sign()
        if sign is not None and not link.is_stuck:
            log.error("backend %s is stuck: %s. Restart it.", link.backend.id, sign.value)
            link.is_stuck = True

    async def _save(self, state: BackendState) -> None:
        backend = self._link.backend
        status = BackendStatus(
            id=backend.id,
            url=backend.url,
            modes=backend.modes,
            is_engine=backend.is_engine,
            state=state,
            version=self._version,
            boot_id=self._link.boot_id,
            guarantee="fence" if self._link.has_pack else "lease",
            catalogue=self._catalogue,
            checkpoints=self._checkpoints,
            seen_at=get_now_ms(),
        )
        try:
            await save_status(self._resources.store, status)
        except StoreUnavailable:
            log.warning("the store is away; backend %s is not written down", backend.id)
