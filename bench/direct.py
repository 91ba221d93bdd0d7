"""Driving ComfyUI directly: what a small program of a customer's own would do."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from bench.graphs import Graph


@dataclass(slots=True)
class _Prompt:
    outputs: list[dict[str, str]] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)


class DirectClient:
    """One session and one WebSocket; the socket tells when a prompt is over and what it made."""

    def __init__(self, url: str, session: aiohttp.ClientSession, client_id: str) -> None:
        self._url = url
        self._session = session
        self._client_id = client_id
        self._prompts: dict[str, _Prompt] = {}

    async def read_frames(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Note what the server says until the socket is closed."""
        async for message in socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                self._note(json.loads(message.data))

    def _note(self, frame: dict[str, Any]) -> None:
        data = frame.get("data", {})
        prompt = self._prompts.get(data.get("prompt_id", ""))
        if prompt is None:
            return
        if frame["type"] == "executed":
            prompt.outputs.extend((data.get("output") or {}).get("images", []))
        elif frame["type"] == "execution_error":
            raise RuntimeError(f"a prompt failed: {data.get('exception_message')}")
        elif frame["type"] == "executing" and data.get("node") is None:
            prompt.over.set()

    async def submit(self, graph: Graph) -> str:
        """Queue a graph; returns its prompt id."""
        prompt_id = str(uuid.uuid4())
        self._prompts[prompt_id] = _Prompt()
        body = {"prompt": graph, "prompt_id": prompt_id, "client_id": self._client_id}
        async with self._session.post(f"{self._url}/prompt", json=body) as answer:
            text = await answer.text()
            assert answer.status == 200, text
        return prompt_id

    async def wait(self, prompt_id: str) -> list[dict[str, str]]:
        """Wait until the prompt is over; returns its outputs."""
        prompt = self._prompts[prompt_id]
        await prompt.over.wait()
        del self._prompts[prompt_id]
        return prompt.outputs

    async def download(self, output: dict[str, str]) -> bytes:
        """Return the bytes of an output."""
        async with self._session.get(f"{self._url}/view", params=output) as answer:
            assert answer.status == 200, answer.status
            return await answer.read()

    async def upload(self, picture: bytes) -> str:
        """Store an input; returns its name."""
        form = aiohttp.FormData()
        form.add_field("image", picture, filename=f"{uuid.uuid4().hex}.png")
        async with self._session.post(f"{self._url}/upload/image", data=form) as answer:
            assert answer.status == 200, await answer.text()
            return str((await answer.json())["name"])

    async def run(self, graph: Graph) -> list[bytes]:
        """Submit, wait, download: the whole way."""
        outputs = await self.wait(await self.submit(graph))
        return [await self.download(output) for output in outputs]

    async def get_history(self) -> dict[str, Any]:
        """Return what the server remembers of all prompts."""
        async with self._session.get(f"{self._url}/history") as answer:
            document: dict[str, Any] = await answer.json()
            return document


@asynccontextmanager
async def open_direct(url: str) -> AsyncIterator[DirectClient]:
    """Connect to a ComfyUI server."""
    client_id = uuid.uuid4().hex
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{url}/ws?clientId={client_id}", max_msg_size=0) as socket,
    ):
        client = DirectClient(url, session, client_id)
        reader = asyncio.create_task(client.read_frames(socket))
        try:
            yield client
        finally:
            reader.cancel()
            with suppress(asyncio.CancelledError):
                await reader
