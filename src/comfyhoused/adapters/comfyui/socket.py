"""The WebSocket to one server: a hint of what happens there, never the truth."""

import asyncio
import random
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import quote

import aiohttp
from yarl import URL

from comfyhoused.adapters.comfyui.attribution import Attribution
from comfyhoused.adapters.comfyui.frames import (
    Ended,
    Ending,
    Frame,
    QueueLength,
    Started,
    parse_binary,
    parse_text,
)
from comfyhoused.adapters.comfyui.health import Heard, Phase
from comfyhoused.adapters.comfyui.watch import SocketBack, SocketLost, Watch
from comfyhoused.kit.log import get_logger

MAX_FRAME_BYTES = 64 * 1024 * 1024
_FEATURE_FLAGS = '{"type":"feature_flags","data":{"supports_preview_metadata":true}}'
_HEARTBEAT_SECONDS = 60  # the server never pings (23); so a dead connection is noticed
_CLOSE_SECONDS = 2
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 2.0
_REMEMBERED_PROMPTS = 1024

_log = get_logger(__name__)


class FrameSocket:
    """One connection at a time under one client id, kept up by `run`.

    Frames of a prompt go only to the client id that queued it and are never buffered (17), so
    start a watch before the submit. Two live connections with one id make the newer one deaf as
    soon as the older closes (21): never run two sockets with the same id, and take another
    worker's id over only when its own socket is gone.
    """

    def __init__(
        self,
        base_url: str,
        client_id: str,
        *,
        connect_timeout_seconds: float = 10,
        on_change: Callable[[bool], None] | None = None,
    ) -> None:
        """`on_change` is called with True after each connect and False after each loss."""
        self.client_id = client_id
        self.connected_since: float | None = None  # time.monotonic()
        self.last_frame_at: float | None = None  # time.monotonic()
        self.connections = 0
        self.queue_remaining: int | None = None
        self._url = URL(
            f"{base_url.rstrip('/')}/ws?clientId={quote(client_id, safe='')}", encoded=True
        )
        self._connect_timeout_seconds = connect_timeout_seconds
        self._on_change = on_change
        self._up = asyncio.Event()
        self._websocket: aiohttp.ClientWebSocketResponse | None = None
        self._attribution = Attribution()
        self._watches: dict[str, list[Watch]] = {}
        self._heard: OrderedDict[str, Heard] = OrderedDict()

    @property
    def is_connected(self) -> bool:
        return self._up.is_set()

    async def wait_connected(self) -> None:
        """Return as soon as there is a connection; give it a time limit."""
        await self._up.wait()

    async def run(self) -> None:
        """Connect, read, connect again, until cancelled."""
        pause_seconds = _FIRST_PAUSE_SECONDS
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
            while True:
                before = self.connections
                try:
                    await self._connect_and_read(session)
                except (aiohttp.ClientError, OSError, TimeoutError) as error:
                    _log.debug("socket url=%s error=%s", self._url.host, error)
                if self.connections > before:
                    pause_seconds = _FIRST_PAUSE_SECONDS
                await asyncio.sleep(pause_seconds * random.uniform(0.5, 1))  # noqa: S311  jitter
                pause_seconds = min(pause_seconds * 2, _LONGEST_PAUSE_SECONDS)

    async def reconnect(self) -> None:
        """Close the connection, wait until it is closed, and let `run` make a new one.

        For a socket that hears nothing though its prompt goes on: it may have gone deaf (21).
        """
        if self._websocket is not None:
            await self._websocket.close()

    @asynccontextmanager
    async def watch(self, prompt_id: str) -> AsyncIterator[Watch]:
        """Follow one prompt; several may follow the same."""
        watch = Watch(prompt_id)
        self._watches.setdefault(prompt_id, []).append(watch)
        try:
            yield watch
        finally:
            watch.close()
            self._watches[prompt_id].remove(watch)
            if not self._watches[prompt_id]:
                del self._watches[prompt_id]

    def find_heard(self, prompt_id: str) -> Heard | None:
        """Return the last that a frame said of this prompt, or None."""
        return self._heard.get(prompt_id)

    async def _connect_and_read(self, session: aiohttp.ClientSession) -> None:
        """The flags go first: any other first message, and previews come the old way (22)."""
        async with asyncio.timeout(self._connect_timeout_seconds):
            websocket = await session.ws_connect(
                self._url,
                timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSE_SECONDS),
                heartbeat=_HEARTBEAT_SECONDS,
                max_msg_size=MAX_FRAME_BYTES,
            )
        try:
            await websocket.send_str(_FEATURE_FLAGS)
            self._note_connected(websocket)
            async for message in websocket:
                self._take(message)
        finally:
            self._note_disconnected()
            await websocket.close()  # waited for, lest the next connection go deaf (21)

    def _note_connected(self, websocket: aiohttp.ClientWebSocketResponse) -> None:
        self._websocket = websocket
        self.connected_since = time.monotonic()
        self.connections += 1
        self._up.set()
        if self.connections > 1:
            self._tell_all(SocketBack())
        if self._on_change is not None:
            self._on_change(True)

    def _note_disconnected(self) -> None:
        self._websocket = None
        self._attribution.note_disconnected()
        if self._up.is_set():
            self._up.clear()
            self.connected_since = None
            self._tell_all(SocketLost())
            if self._on_change is not None:
                self._on_change(False)

    def _take(self, message: aiohttp.WSMessage) -> None:
        """Never waits: a socket that is not read stalls the server's other clients (23)."""
        self.last_frame_at = time.monotonic()
        if message.type is aiohttp.WSMsgType.TEXT:
            frame = parse_text(message.data)
        elif message.type is aiohttp.WSMsgType.BINARY:
            frame = parse_binary(message.data)
        else:
            return
        if frame is not None:
            self._dispatch(frame)

    def _dispatch(self, frame: Frame) -> None:
        prompt_id = self._attribution.find_prompt(frame, self._watches)
        if frame.prompt_id is not None:
            self._remember(frame, frame.prompt_id)
        watches = self._watches.get(prompt_id, ()) if prompt_id is not None else ()
        for event in frame.events:
            if isinstance(event, QueueLength):
                self.queue_remaining = event.remaining
                continue
            for watch in watches:
                watch.put(event)

    def _remember(self, frame: Frame, prompt_id: str) -> None:
        self._heard[prompt_id] = Heard(time.monotonic(), _find_phase(frame))
        self._heard.move_to_end(prompt_id)
        if len(self._heard) > _REMEMBERED_PROMPTS:
            self._heard.popitem(last=False)

    def _tell_all(self, event: SocketLost | SocketBack) -> None:
        for watches in self._watches.values():
            for watch in watches:
                watch.tell(event)


def _find_phase(frame: Frame) -> Phase:
    if any(isinstance(event, Ending | Ended) for event in frame.events):
        return Phase.ENDED
    if any(isinstance(event, Started) for event in frame.events):
        return Phase.STARTED
    return Phase.GOING
