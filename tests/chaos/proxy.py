"""A proxy between workers and engine that can hold, lose or replace what passes.

It runs in the test's own event loop, so that a test can stop a worker exactly while a
certain answer is on its way.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

from tests.waiting import PATIENCE_SECONDS

_SKIPPED = {"content-length", "transfer-encoding", "connection", "host", "keep-alive"}
_MAX_BYTES = 200_000_000


@dataclass
class Hold:
    """The next matching request waits: before it is passed on, or its answer is."""

    method: str
    path: str
    before: bool
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait_reached(self, seconds: float = PATIENCE_SECONDS) -> None:
        await asyncio.wait_for(self.reached.wait(), seconds)

    def open(self) -> None:
        """Let it go on."""
        self.opened.set()


class Proxy:
    """Passes HTTP and WebSockets on to `target`, which may change."""

    def __init__(self, *, has_pack: bool = True) -> None:
        self.target = ""
        self.has_pack = has_pack
        self.port = 0
        self.seen: list[tuple[str, str]] = []
        self.answers: dict[tuple[str, str], int] = {}
        self.delays: dict[tuple[str, str], float] = {}
        self._holds: list[Hold] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def hold(self, method: str, path: str, *, before: bool = False) -> Hold:
        """Have the next request whose path begins so held."""
        one = Hold(method, path, before)
        self._holds.append(one)
        return one

    def count(self, method: str, path: str) -> int:
        """Return how many requests with a path that begins so have come."""
        return sum(m == method and p.startswith(path) for m, p in self.seen)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.seen.append((request.method, request.path))
        if not self.has_pack and request.path.startswith("/comfyhouse/"):
            return web.Response(status=404)
        for (method, path), status in self.answers.items():
            if request.method == method and request.path.startswith(path):
                return web.Response(status=status, text="made up by the proxy")
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._tunnel(request)
        body = await request.read()
        await asyncio.sleep(self.delays.get((request.method, request.path), 0))
        hold = self._take_hold(request)
        if hold is not None and hold.before:
            await self._wait(hold)
        async with (
            aiohttp.ClientSession(auto_decompress=False) as session,
            session.request(
                request.method,
                self.target + request.path_qs,
                data=self._strip(request, body),
                headers={k: v for k, v in request.headers.items() if k.lower() not in _SKIPPED},
            ) as answer,
        ):
            content = await answer.read()
            headers = {k: v for k, v in answer.headers.items() if k.lower() not in _SKIPPED}
        if hold is not None and not hold.before:
            await self._wait(hold)
        return web.Response(status=answer.status, body=content, headers=headers)

    def _take_hold(self, request: web.Request) -> Hold | None:
        for one in self._holds:
            if one.method == request.method and request.path.startswith(one.path):
                self._holds.remove(one)
                return one
        return None

    async def _wait(self, hold: Hold) -> None:
        hold.reached.set()
        await hold.opened.wait()

    def _strip(self, request: web.Request, body: bytes) -> bytes:
        """Without the pack nobody understands the mark."""
        if self.has_pack or request.path != "/prompt" or not body:
            return body
        document = json.loads(body)
        document.get("extra_data", {}).pop("comfyhouse", None)
        return json.dumps(document).encode()

    async def _tunnel(self, request: web.Request) -> web.StreamResponse:
        ours = web.WebSocketResponse(max_msg_size=_MAX_BYTES)
        await ours.prepare(request)
        async with aiohttp.ClientSession() as session:
            with suppress(aiohttp.ClientError):
                async with session.ws_connect(
                    self.target + request.path_qs, max_msg_size=_MAX_BYTES
                ) as theirs:
                    pumps = [
                        asyncio.create_task(_pump(ours, theirs)),
                        asyncio.create_task(_pump(theirs, ours)),
                    ]
                    await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
                    for pump in pumps:
                        pump.cancel()
        await ours.close()
        return ours


_Socket = web.WebSocketResponse | aiohttp.ClientWebSocketResponse


async def _pump(source: _Socket, sink: _Socket) -> None:
    async for message in source:
        if message.type is aiohttp.WSMsgType.TEXT:
            await sink.send_str(message.data)
        elif message.type is aiohttp.WSMsgType.BINARY:
            await sink.send_bytes(message.data)


@asynccontextmanager
async def run_proxy(*, has_pack: bool = True) -> AsyncIterator[Proxy]:
    """Serve a proxy; its `target` is set as soon as the engine has an address."""
    proxy = Proxy(has_pack=has_pack)
    app = web.Application(client_max_size=_MAX_BYTES)
    app.router.add_route("*", "/{anything:.*}", proxy.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    proxy.port = runner.addresses[0][1]
    try:
        yield proxy
    finally:
        for hold in proxy._holds:
            hold.open()
        await runner.cleanup()
