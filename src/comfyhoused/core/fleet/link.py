"""A worker's link to one backend: client, socket, what boot it talks to, what it uploaded."""

import asyncio
from contextlib import suppress

from comfyhoused.adapters.comfyui.client import ComfyClient
from comfyhoused.adapters.comfyui.errors import BackendBroken, BackendUnreachable
from comfyhoused.adapters.comfyui.health import ProgressWatch
from comfyhoused.adapters.comfyui.look import Absent, Finished, Look
from comfyhoused.adapters.comfyui.socket import FrameSocket
from comfyhoused.core.fleet.backends import Backend
from comfyhoused.core.fleet.estimates import RunTimes
from comfyhoused.kit.log import get_logger
from comfyhoused.settings import FleetSettings

log = get_logger(__name__)


class BackendDied(Exception):
    """The attempt is over and left nothing: refused connection, other boot, id forgotten."""


class BackendLink:
    """Everything a worker process holds about one backend."""

    def __init__(self, backend: Backend, settings: FleetSettings, client_id: str) -> None:
        self.backend = backend
        self.client_id = client_id
        self.client = ComfyClient(
            backend.url,
            http_timeout_seconds=settings.http_timeout_seconds,
            post_timeout_seconds=settings.post_timeout_seconds,
        )
        self.socket = FrameSocket(backend.url, client_id)
        self.boot_id = ""
        self.has_pack = False
        self.is_ready = asyncio.Event()
        self.is_known = asyncio.Event()
        self.health = ProgressWatch()
        self.is_stuck = False
        self.run_times = RunTimes()
        self._lost_after_seconds = settings.backend_lost_seconds
        self._poll_gate = asyncio.Lock()
        self._polled_at = -1.0

    async def close(self) -> None:
        """Close the connections."""
        await self.client.close()

    def adopt_boot(self, boot_id: str) -> bool:
        """Remember which boot this is; True when it is another one: it has forgotten all."""
        is_other = bool(self.boot_id) and boot_id != self.boot_id
        self.boot_id = boot_id
        return is_other

    async def pace(self) -> None:
        """Wait until the backend may be asked again: once a second for all followers together."""
        loop = asyncio.get_running_loop()
        async with self._poll_gate:
            await asyncio.sleep(max(0.0, self._polled_at + 1 - loop.time()))
            self._polled_at = loop.time()

    async def look(self, prompt_id: str) -> Look:
        """Look where a prompt stands, through a silence of up to the time that makes it lost.

        Raises BackendDied on a refused connection or after that time. Silence alone is
        not death: a slow answer is waited for.
        """
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + self._lost_after_seconds
        while True:
            try:
                return await self.client.look(prompt_id)
            except BackendUnreachable as error:
                if error.refused or loop.time() >= give_up_at:
                    self.is_ready.clear()
                    raise BackendDied(error.detail) from error
            except BackendBroken as error:
                if loop.time() >= give_up_at:
                    raise BackendDied(error.detail) from error
            await asyncio.sleep(0.5)

    async def has_lived_on(self, boot_id: str) -> bool:
        """Tell whether the backend surely is still the process that took the prompt."""
        if not self.has_pack or not boot_id:
            return False
        try:
            hello = await self.client.get_hello()
        except (BackendUnreachable, BackendBroken):
            return False
        return hello is not None and hello.boot_id == boot_id

    async def forbid(self, attempt_id: str) -> None:
        """Have the fence refuse this attempt from now on, whoever submits it."""
        with suppress(BackendUnreachable, BackendBroken):
            await self.client.forbid(attempt_id)

    async def remove_prompt(self, prompt_id: str) -> Look:
        """Take a prompt off the backend: delete, interrupt, look. It may have ended meanwhile."""
        try:
            await self.client.delete_pending(prompt_id)
            look = await self.look(prompt_id)
            if not isinstance(look, Absent | Finished):
                self.health.note_interrupted(prompt_id)
                await self.client.interrupt(prompt_id)
                look = await self.look(prompt_id)
        except (BackendUnreachable, BackendBroken):
            look = await self.look(prompt_id)
        return look
