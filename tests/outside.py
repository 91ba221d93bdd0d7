"""The outside world of a test: servers on loopback, names that lead where the test wants.

127.0.0.1 and ::1 stand for the public internet (the test's policy lists them), 127.0.0.2 for
our own network: it must never see a connection.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from comfyhoused.kit.http.guard import Guard, make_policy

PUBLIC, INNER = "127.0.0.1", "127.0.0.2"


@dataclass(frozen=True)
class Request:
    """What a server was sent."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


Handler = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


def answer(
    status: int = 200, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> Handler:
    """Return a handler that gives this answer with its true length, unless headers say else."""
    lines = {"Content-Length": str(len(body)), **(headers or {})}

    async def handle(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(make_head(status, lines) + body)
        await writer.drain()

    return handle


def make_head(status: int, headers: Mapping[str, str]) -> bytes:
    """Return the head of an answer."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} Whatever\r\n{lines}\r\n".encode()


class Server:
    """Counts every connection, even one that never speaks; answers by path."""

    def __init__(self, host: str, tls: ssl.SSLContext | None = None) -> None:
        self.host = host
        self.tls = tls
        self.routes: dict[str, Handler] = {}
        self.connections = 0
        self.names: list[str | None] = []  # asked for in the TLS handshake
        self.requests: list[Request] = []
        self._tasks: set[asyncio.Task[None]] = set()
        if tls is not None:
            tls.sni_callback = self._note_name

    async def start(self, port: int = 0) -> None:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self._listener = socket.socket(family)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((self.host, port))
        self._listener.listen()
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self._keep(self._accept())

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._listener.close()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            connection, _ = await loop.sock_accept(self._listener)
            self.connections += 1
            self._keep(self._serve(connection))

    async def _serve(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        with suppress(OSError, EOFError, ssl.SSLError):
            transport, _ = await loop.connect_accepted_socket(
                lambda: protocol, connection, ssl=self.tls
            )
            writer = asyncio.StreamWriter(transport, protocol, reader, loop)
            try:
                request = await _read_request(reader)
                self.requests.append(request)
                handler = self.routes.get(request.target.partition("?")[0], answer(404))
                await handler(request, writer)
            finally:
                writer.close()

    def _keep(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)

    def _note_name(self, _: object, name: str | None, __: object) -> None:
        self.names.append(name)


async def _read_request(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, target, headers, body)


@dataclass
class Names:
    """A resolver that answers what the test wants; the last answer of a name stays.

    `everything` is the answer for names that are not in the table.
    """

    table: dict[str, list[Sequence[str]]] = field(default_factory=dict)
    everything: Sequence[str] | None = None
    asked: list[str] = field(default_factory=list)

    def set(self, name: str, *answers: Sequence[str]) -> None:
        self.table[name] = list(answers)

    async def resolve(self, name: str) -> Sequence[str]:
        self.asked.append(name)
        answers = self.table.get(name.removesuffix("."))
        if answers is None:
            if self.everything is None:
                raise socket.gaierror(socket.EAI_NONAME, "no such name")
            return self.everything
        return answers.pop(0) if len(answers) > 1 else answers[0]


@dataclass
class World:
    """A public server with a proper certificate, an inner one, names, and a guard."""

    public: Server
    inner: Server
    names: Names
    guard: Guard

    @property
    def ports(self) -> frozenset[int]:
        return frozenset({443, self.public.port})

    def url(self, path: str = "/", name: str = "pictures.example.com") -> str:
        return f"https://{name}:{self.public.port}{path}"

    def assert_untouched(self) -> None:
        """Nobody connected to anything."""
        assert (self.public.connections, self.inner.connections) == (0, 0)


def make_guard(names: Names, tls: ssl.SSLContext, *allowed: str) -> Guard:
    """Return a guard to which loopback's first addresses are as good as public ones."""
    return Guard(make_policy([PUBLIC, "::1", *allowed]), names.resolve, tls)
