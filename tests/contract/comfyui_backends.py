"""A server under test with a connected client and socket."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import ClientSession

from comfyhoused.adapters.comfyui.client import ComfyClient
from comfyhoused.adapters.comfyui.frames import Ended
from comfyhoused.adapters.comfyui.history import Outcome
from comfyhoused.adapters.comfyui.look import Running
from comfyhoused.adapters.comfyui.socket import FrameSocket
from comfyhoused.adapters.comfyui.watch import Watch, WatchEvent
from tests.waiting import wait_until

LIMIT_SECONDS = 60.0


class Backend:
    """What a worker has of one server."""

    def __init__(self, url: str, client: ComfyClient, socket: FrameSocket) -> None:
        self.url = url
        self.client = client
        self.socket = socket

    async def submit(self, graph: Mapping[str, Any], prompt_id: str | None = None) -> str:
        """Queue a graph as a new attempt and return its prompt id."""
        prompt_id = prompt_id or str(uuid.uuid4())
        submitted = await self.client.submit(
            graph, prompt_id=prompt_id, client_id=self.socket.client_id, attempt=str(uuid.uuid4())
        )
        assert submitted.prompt_id == prompt_id
        assert not submitted.partial
        return prompt_id

    async def run(self, graph: Mapping[str, Any]) -> tuple[list[WatchEvent], Outcome]:
        """Run a graph to its end; the one look after the end must find the outcome (18)."""
        prompt_id = str(uuid.uuid4())
        async with self.socket.watch(prompt_id) as watch:
            await self.submit(graph, prompt_id)
            events = await read_until_end(watch)
        outcome = await self.client.find_outcome(prompt_id)
        assert outcome is not None
        return events, outcome

    async def hold(self, class_type: str | None) -> None:
        """Have runs wait before such nodes until this is changed; a real ComfyUI cannot do it."""
        async with ClientSession() as http:
            await http.post(f"{self.url}/engine/switches", json={"hold_at_node": class_type})

    async def wait_running(self, prompt_id: str) -> None:
        async def is_running() -> bool:
            return isinstance(await self.client.look(prompt_id), Running)

        await wait_until(is_running, LIMIT_SECONDS)

    async def wait_outcome(self, prompt_id: str) -> Outcome:
        outcomes: list[Outcome] = []

        async def is_over() -> bool:
            outcome = await self.client.find_outcome(prompt_id)
            outcomes.extend([outcome] if outcome else [])
            return bool(outcomes)

        await wait_until(is_over, LIMIT_SECONDS)
        return outcomes[0]


@asynccontextmanager
async def connect(url: str, client_id: str | None = None) -> AsyncIterator[Backend]:
    """Open a client and a connected socket, as a worker does."""
    client = ComfyClient(url, http_timeout_seconds=60, post_timeout_seconds=60)
    socket = FrameSocket(url, client_id or uuid.uuid4().hex)
    reading = asyncio.create_task(socket.run())
    try:
        await asyncio.wait_for(socket.wait_connected(), LIMIT_SECONDS)
        yield Backend(url, client, socket)
    finally:
        reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reading
        await client.close()


async def read_until_end(watch: Watch) -> list[WatchEvent]:
    """Return all events up to and with Ended."""
    events: list[WatchEvent] = []
    async with asyncio.timeout(LIMIT_SECONDS):
        async for event in watch:
            events.append(event)
            if isinstance(event, Ended):
                break
    return events
