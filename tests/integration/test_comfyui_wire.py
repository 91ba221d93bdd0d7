"""The client against answers that neither the engine nor a healthy ComfyUI gives."""

import asyncio
import contextlib
import struct
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

import pytest
from aiohttp import WSMsgType, web

from comfyhoused.adapters.comfyui.client import ComfyClient
from comfyhoused.adapters.comfyui.errors import BackendBroken, BackendUnreachable
from comfyhoused.adapters.comfyui.frames import Ended, Preview
from comfyhoused.adapters.comfyui.health import Phase
from comfyhoused.adapters.comfyui.history import OutputRef
from comfyhoused.adapters.comfyui.look import Finished, Running
from comfyhoused.adapters.comfyui.socket import FrameSocket
from comfyhoused.adapters.comfyui.transfer import InputRef
from tests.ports import take_port
from tests.waiting import PATIENCE_SECONDS, wait_until

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
REF = OutputRef("9", "images", "x_00001_.png", "ch", "output")


@asynccontextmanager
async def serve(handler: Handler) -> AsyncIterator[str]:
    """Answer every request with the handler, on a free port."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def connect(
    handler: Handler, *, seconds: float = PATIENCE_SECONDS
) -> AsyncIterator[ComfyClient]:
    async with serve(handler) as url:
        client = ComfyClient(url, http_timeout_seconds=seconds, post_timeout_seconds=seconds)
        try:
            yield client
        finally:
            await client.close()


async def submit(client: ComfyClient) -> None:
    await client.submit({}, prompt_id="p", client_id="c", attempt="p")


async def test_a_submit_without_an_answer_may_have_been_taken() -> None:
    """19: not `refused`, so the caller looks first."""
    taken: list[bytes] = []
    never = asyncio.Event()

    async def handle(request: web.Request) -> web.StreamResponse:
        taken.append(await request.read())
        await never.wait()
        return web.Response()

    async with connect(handle, seconds=1.5) as client:
        with pytest.raises(BackendUnreachable) as caught:
            await submit(client)
        never.set()
    assert not caught.value.refused
    assert len(taken) == 1


async def test_a_connection_cut_in_the_answer_may_have_been_taken() -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        await request.read()
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with connect(handle) as client:
        with pytest.raises(BackendUnreachable) as caught:
            await submit(client)
    assert not caught.value.refused


async def test_where_nothing_listens_nothing_was_taken() -> None:
    port = take_port()
    url = f"http://127.0.0.1:{port}"
    client = ComfyClient(url, http_timeout_seconds=5, post_timeout_seconds=5)
    with pytest.raises(BackendUnreachable) as caught:
        await submit(client)
    assert caught.value.refused
    assert str(port) not in caught.value.detail
    await client.close()


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_a_gateways_error_means_unreachable(status: int) -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text="<html>")

    async with connect(handle) as client:
        with pytest.raises(BackendUnreachable):
            await client.look("p")


@pytest.mark.parametrize(
    "answer",
    [
        lambda: web.Response(text="<html>", content_type="text/html"),
        lambda: web.Response(status=302, headers={"Location": "/elsewhere"}),
        lambda: web.Response(status=401),
        lambda: web.json_response([1, 2]),
    ],
    ids=["html", "redirect", "unauthorised", "list"],
)
async def test_senseless_answers_are_a_broken_server(answer: Callable[[], web.Response]) -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        return answer()

    async with connect(handle) as client:
        with pytest.raises(BackendBroken):
            await client.get_object_info()
        with pytest.raises(BackendBroken):
            await submit(client)


async def test_a_server_that_makes_its_own_prompt_ids_is_too_old() -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        return web.json_response({"prompt_id": "another", "number": 1, "node_errors": {}})

    async with connect(handle) as client:
        with pytest.raises(BackendBroken):
            await submit(client)


async def test_an_answer_without_end_is_given_up() -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        await request.read()
        response = web.StreamResponse()
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            while True:
                await response.write(bytes(50_000))
        return response

    async def iterate_nothing() -> AsyncIterator[bytes]:
        yield b""

    async with connect(handle) as client:
        with pytest.raises(BackendBroken):
            await client.upload("ch_x.png", iterate_nothing())


async def test_a_file_that_breaks_off_is_not_taken_for_whole() -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000000"})
        await response.prepare(request)
        await response.write(bytes(1000))
        assert request.transport is not None
        request.transport.close()
        return response

    async with connect(handle) as client, client.open_output(REF) as stream:
        assert stream.size_bytes == 1_000_000
        assert await anext(stream.chunks) == bytes(1000)
        with pytest.raises(BackendUnreachable):
            await anext(stream.chunks)


async def test_a_file_that_stops_coming_is_given_up() -> None:
    never = asyncio.Event()

    async def handle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(bytes(1000))
        await never.wait()
        return response

    async with connect(handle, seconds=1.5) as client:
        async with client.open_output(REF) as stream:
            assert await anext(stream.chunks) == bytes(1000)
            with pytest.raises(BackendUnreachable):
                await anext(stream.chunks)
        never.set()


async def test_what_a_reader_raises_is_its_own() -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        return web.Response(body=bytes(1000))

    async with connect(handle) as client:
        with pytest.raises(TimeoutError):
            async with client.open_output(REF):
                raise TimeoutError


async def test_a_prompt_that_ends_between_two_questions_is_not_missed() -> None:
    """9: so the queue is asked first; the other way round it would look unknown."""
    row = [1, "p", {}, {}, ["2"]]
    entry = {"outputs": {}, "status": {"status_str": "success", "messages": []}}
    asked: list[str] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        is_over = len(asked) > 1
        if request.path == "/queue":
            running = [] if is_over else [row]
            return web.json_response({"queue_running": running, "queue_pending": []})
        return web.json_response({"p": entry} if is_over else {})

    async with connect(handle) as client:
        looks = [await client.look("p"), await client.look("p")]
    assert [type(look) for look in looks] == [Running, Finished]


async def test_connections_are_kept() -> None:
    peers: set[object] = set()

    async def handle(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        peers.add(request.transport.get_extra_info("peername"))
        return web.json_response({})

    async with connect(handle) as client:
        for _ in range(20):
            await client.find_outcome("p")
            await client.interrupt("p")
            assert await client.get_hello() is None
    assert len(peers) == 1


async def test_without_the_node_pack_files_are_overwritten() -> None:
    """26: `overwrite` must be the text "true"."""
    forms: list[dict[str, object]] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        if request.path != "/upload/image":
            return web.Response(status=404)
        form = await request.post()
        image = form["image"]
        assert isinstance(image, web.FileField)
        forms.append({**form, "image": (image.filename, image.file.read())})
        return web.json_response({"name": image.filename, "subfolder": "", "type": "x"})

    async with connect(handle) as client:
        await client.delete_files([REF, InputRef("ch_a.png")])
    assert forms == [
        {
            "type": "output",
            "subfolder": "ch",
            "overwrite": "true",
            "image": ("x_00001_.png", b"\0"),
        },
        {"type": "input", "overwrite": "true", "image": ("ch_a.png", b"\0")},
    ]


async def test_no_request_carries_an_origin() -> None:
    """31: one whose host differs from Host is answered with 403."""
    headers: list[bool] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        headers.append("Origin" in request.headers)
        return web.json_response({})

    async with serve(handle) as url:
        client = ComfyClient(url, http_timeout_seconds=5, post_timeout_seconds=5)
        await client.get_features()
        await client.interrupt("p")
        await client.close()
        async with run(FrameSocket(url, "c")):
            await wait_until(lambda: len(headers) >= 3)
    assert not any(headers)


async def test_a_large_file_comes_in_small_pieces() -> None:
    megabytes = 32

    async def handle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(megabytes):
            await response.write(bytes(1_000_000))
        return response

    async with connect(handle) as client, client.open_output(REF) as stream:
        sizes = [len(chunk) async for chunk in stream.chunks]
    assert stream.size_bytes is None
    assert sum(sizes) == megabytes * 1_000_000
    assert max(sizes) <= 1_000_000


class SocketServer:
    """Counts live connections of each client id and keeps the first message of each."""

    def __init__(self) -> None:
        self.live = 0
        self.most_live = 0
        self.first_messages: list[str] = []
        self.close_codes: list[int | None] = []
        self.sockets: list[web.WebSocketResponse] = []

    def has_first_messages(self, number: int) -> bool:
        return len(self.first_messages) == number

    async def handle(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        self.live += 1
        self.most_live = max(self.live, self.most_live)
        try:
            message = await socket.receive()
            if message.type is WSMsgType.TEXT:
                self.first_messages.append(message.data)
                await socket.receive()
        finally:
            self.live -= 1
            self.close_codes.append(socket.close_code)
        return socket


@asynccontextmanager
async def run(socket: FrameSocket) -> AsyncIterator[None]:
    reading = asyncio.create_task(socket.run())
    try:
        yield
    finally:
        reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reading


async def test_never_two_connections_under_one_id_and_flags_first() -> None:
    """20, 21, 22: the old one is closed before the next, which sends its flags again."""
    server, changes = SocketServer(), list[bool]()
    async with serve(server.handle) as url:
        socket = FrameSocket(url, uuid.uuid4().hex, on_change=changes.append)
        async with run(socket):
            for number in range(1, 6):
                await wait_until(partial(server.has_first_messages, number))
                await socket.reconnect()
            await wait_until(partial(server.has_first_messages, 6))
        await wait_until(lambda: server.live == 0)
    assert server.most_live == 1
    assert server.close_codes == [1000] * len(server.sockets)
    assert all("supports_preview_metadata" in message for message in server.first_messages)
    assert changes[:4] == [True, False, True, False]


async def test_a_socket_survives_frames_that_make_no_sense() -> None:
    server = SocketServer()
    async with serve(server.handle) as url:
        socket = FrameSocket(url, "c")
        async with run(socket):
            await wait_until(lambda: server.first_messages)
            for text in ("", "{", "[]", '{"type":"progress","data":null}'):
                await server.sockets[0].send_str(text)
            await server.sockets[0].send_bytes(b"\0\0\0\4\xff\xff\xff\xff")
            await server.sockets[0].send_str(
                '{"type":"status","data":{"status":{"exec_info":{"queue_remaining":7}}}}'
            )
            await wait_until(lambda: socket.queue_remaining == 7)
            assert socket.connections == 1


async def test_a_watch_that_nobody_reads_does_not_stop_the_socket() -> None:
    """23: one socket that is not read stalls the frames of the server's other clients."""
    server = SocketServer()
    metadata = b'{"prompt_id":"p","node_id":"3","image_type":"image/png"}'
    preview = struct.pack(">II", 4, len(metadata)) + metadata + bytes(3_000_000)
    async with serve(server.handle) as url:
        socket = FrameSocket(url, "c")
        async with run(socket), socket.watch("p") as watch:
            await wait_until(lambda: server.first_messages)
            for _ in range(30):
                await server.sockets[0].send_bytes(preview)
            await server.sockets[0].send_str(
                '{"type":"executing","data":{"node":null,"prompt_id":"p"}}'
            )
            await wait_until(lambda: is_over(socket))
            unread = [await watch.receive(), await watch.receive()]
    assert [type(event) for event in unread] == [Preview, Ended]


def is_over(socket: FrameSocket) -> bool:
    heard = socket.find_heard("p")
    return heard is not None and heard.phase is Phase.ENDED


async def test_a_socket_waits_for_its_server() -> None:
    port = take_port()
    socket = FrameSocket(f"http://127.0.0.1:{port}", "c")
    server = SocketServer()
    async with run(socket):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(socket.wait_connected(), 0.3)
        runner = web.AppRunner(web.Application())
        runner.app.router.add_get("/ws", server.handle)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        await asyncio.wait_for(socket.wait_connected(), PATIENCE_SECONDS)
        assert socket.is_connected
    await runner.cleanup()
