"""All WebSockets and the one loop that sends to them.

The rules are ComfyUI's, ugly ones included, because clients must cope with them: frames go to the
socket registered under the prompt's client id and are dropped when there is none; a newer socket
with the same id takes over silently; when the older one closes, the id is unregistered and the
newer one goes deaf; one loop sends to all sockets in turn, so one that does not read stalls all.
"""

import asyncio
import json
import logging
import struct
from collections import deque
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from aiohttp import ClientError, web

from comfyhouse_engine.switches import Switches

PREVIEW_IMAGE = 1
TEXT = 3
PREVIEW_IMAGE_WITH_METADATA = 4

MAX_UPLOAD_BYTES = 104_857_600
SERVER_FEATURES = {"supports_preview_metadata": True, "max_upload_size": MAX_UPLOAD_BYTES}

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Frame:
    """A frame on its way: `event` is a JSON type or a binary event number; no `sid` means all."""

    event: str | int
    data: Any
    sid: Any


@dataclass
class _Socket:
    response: web.WebSocketResponse
    transport: asyncio.Transport | None
    features: dict[str, Any] = field(default_factory=dict)


class Hub:
    """Registers sockets and delivers frames in the order in which they were sent."""

    def __init__(self, switches: Switches) -> None:
        self._switches = switches
        self._loop: asyncio.AbstractEventLoop | None = None
        self._outbox: deque[Frame] = deque()
        self._doorbell = asyncio.Event()
        self._is_ringing = False
        self._sockets: dict[Any, _Socket] = {}
        self._since_drop = 0
        self.client_id: Any = None
        """Client id of the prompt that runs, or of the last one that ran."""
        self.last_node_id: str | None = None
        """The node that runs now."""

    def send(self, event: str | int, data: Any, sid: Any = None) -> None:
        """Queue a frame from any thread."""
        self._outbox.append(Frame(event, data, sid))
        # Waking the loop is a system call, at which the executor would have to wait for its turn
        # again: ring once for all frames that the loop has not come to yet.
        if self._loop is not None and not self._is_ringing:
            self._is_ringing = True
            self._loop.call_soon_threadsafe(self._doorbell.set)

    def has_listener(self, sid: Any) -> bool:
        """True when a frame to `sid` (None = all) would reach anybody."""
        return bool(self._sockets) if sid is None else sid in self._sockets

    def supports(self, sid: Any, feature: str) -> bool:
        """True when the socket of `sid` said so in its first message."""
        socket = None if sid is None else self._sockets.get(sid)
        return socket is not None and bool(socket.features.get(feature, False))

    async def publish_forever(self) -> None:
        """Deliver frames until cancelled.

        A client id that cannot be a dictionary key raises TypeError here and so ends the whole
        process, as it ends ComfyUI's (restart/worker-death-cases, x4).
        """
        self._loop = asyncio.get_running_loop()
        while True:
            await self._doorbell.wait()
            self._doorbell.clear()
            self._is_ringing = False
            while self._outbox:
                await self._deliver(self._outbox.popleft())

    async def _deliver(self, frame: Frame) -> None:
        if frame.sid is None:
            for socket in list(self._sockets.values()):
                await self._transmit(socket, frame)
        elif frame.sid in self._sockets:
            await self._transmit(self._sockets[frame.sid], frame)

    async def _transmit(self, socket: _Socket, frame: Frame) -> None:
        if self._switches.silent:
            return
        try:
            if isinstance(frame.event, int):
                await socket.response.send_bytes(struct.pack(">I", frame.event) + frame.data)
            else:
                await socket.response.send_str(
                    json.dumps({"type": frame.event, "data": frame.data})
                )
        except (ClientError, ConnectionError) as error:
            _log.info("frame not delivered: %s", error)
        self._drop_when_due()

    def _drop_when_due(self) -> None:
        self._since_drop += 1
        if 0 < self._switches.drop_socket <= self._since_drop:
            self._since_drop = 0
            for socket in list(self._sockets.values()):
                if socket.transport is not None:
                    socket.transport.abort()

    async def serve(self, request: web.Request, greeting: dict[str, Any]) -> web.WebSocketResponse:
        """Run one socket until it closes; `greeting` is the data of its first `status`."""
        response = web.WebSocketResponse()
        await response.prepare(request)
        sid = request.query.get("clientId", "") or uuid4().hex
        socket = _Socket(response, request.transport)
        self._sockets[sid] = socket
        try:
            await self._transmit(socket, Frame("status", {**greeting, "sid": sid}, sid))
            if self.client_id == sid and self.last_node_id is not None:
                await self._transmit(socket, Frame("executing", {"node": self.last_node_id}, sid))
            await self._listen(socket, sid)
        finally:
            self._sockets.pop(sid, None)
        return response

    async def _listen(self, socket: _Socket, sid: str) -> None:
        """Read until the peer closes; only the first message may carry feature flags."""
        is_first = True
        async for message in socket.response:
            if message.type is not web.WSMsgType.TEXT or not is_first:
                continue
            is_first = False
            features = _read_features(message.data)
            if features is not None:
                socket.features = features
                await self._transmit(socket, Frame("feature_flags", SERVER_FEATURES, sid))


def _read_features(text: str) -> dict[str, Any] | None:
    try:
        message = json.loads(text)
    except ValueError:
        return None
    if not isinstance(message, dict) or message.get("type") != "feature_flags":
        return None
    data = message.get("data", {})
    return data if isinstance(data, dict) else None
