"""A server that answers as the recorded ComfyUI did.

It plays one scene: the recorded answer to POST /prompt (under the id that the client chose), the
recorded frames after it, the recorded history once the last frame is out. Other exchanges answer
what was recorded for their method and path. Binary frames and files were recorded by length and
head only; they are filled up with zeros.
"""

import asyncio
import json
import struct
from pathlib import Path
from typing import Any, Self

import pytest
from aiohttp import WSMsgType, web

Json = dict[str, Any]
RECORDINGS = Path(__file__).parents[2] / "../shared/comfyui-recordings"
needs_recordings = pytest.mark.skipif(
    not RECORDINGS.is_dir(), reason="the recordings are not beside this checkout"
)
STAND_IN = "00000000-0000-4000-8000-000000000000"


def list_recordings(folder: str, pattern: str = "*") -> list[str]:
    """Return the names of the recordings, empty where there are none."""
    return sorted(path.stem for path in (RECORDINGS / folder).glob(f"{pattern}.json"))


def load_recording(folder: str, name: str) -> Json:
    content: Json = json.loads((RECORDINGS / folder / f"{name}.json").read_text())
    return content


class ReplayServer:
    """Serves on a free port of 127.0.0.1 while it is entered."""

    def __init__(self) -> None:
        self.url = ""
        self.posted: list[Json] = []
        self._answers: dict[tuple[str, str], Json] = {}
        self._frames: list[Json] = []
        self._history: Json = {}
        self._is_over = False
        self._sockets: list[web.WebSocketResponse] = []

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=2**30)
        app.router.add_get("/ws", self._serve_frames)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        for socket in self._sockets:
            await socket.close()
        await self._runner.cleanup()

    def add_exchange(self, name: str) -> Json:
        """Answer as in http/<name>; returns the recording."""
        recording = load_recording("http", name)
        request = recording["request"]
        self._answers[request["method"], request["path"]] = recording["response"]
        return recording

    def add_run(self, transcript: Json, history: Json | None = None) -> None:
        """Play the frames after the next POST /prompt, then show the history."""
        self._frames = [frame for frame in transcript["frames"] if is_of_run(frame)]
        self._answers["POST", "/prompt"] = {"status": 200, "body": transcript["post_response"]}
        self._history = next(iter((history or {"": {}}).values()))

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if request.path.startswith("/history/") and self._frames:
            prompt_id = request.path.removeprefix("/history/")
            return web.json_response({prompt_id: self._history} if self._is_over else {})
        answer = self._answers.get((request.method, request.path_qs))
        if answer is None:
            return web.Response(status=404)
        if request.path != "/prompt":
            return make_response(answer)
        self.posted.append(json.loads(body))
        if self._frames:
            asyncio.get_running_loop().create_task(self._play(self.posted[-1]["prompt_id"]))
        return make_response(answer, self.posted[-1]["prompt_id"])

    async def _serve_frames(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._sockets.append(socket)
        await socket.send_json({"type": "status", "data": {"status": {}, "sid": "x"}})
        async for message in socket:
            assert message.type is WSMsgType.TEXT
        return socket

    async def _play(self, prompt_id: str) -> None:
        old_id = self._answers["POST", "/prompt"]["body"]["prompt_id"]
        for frame in self._frames:
            for socket in self._sockets:
                await send_frame(socket, frame, old_id, prompt_id)
            if frame.get("text", {}) and frame["text"]["type"] == "executing":
                self._is_over = frame["text"]["data"]["node"] is None


def is_of_run(frame: Json) -> bool:
    """Tell whether the server sent it, and not to greet a new socket."""
    return "dir" not in frame and "sid" not in frame.get("text", {}).get("data", {})


async def send_frame(socket: web.WebSocketResponse, frame: Json, old_id: str, new_id: str) -> None:
    if "text" in frame:
        await socket.send_str(json.dumps(frame["text"]).replace(old_id, new_id))
    elif frame.get("event_type") == 4:
        metadata = json.dumps(frame["metadata"]).replace(old_id, new_id).encode()
        image = bytes(frame["length"] - 8 - frame["metadata_length"])
        await socket.send_bytes(struct.pack(">II", 4, len(metadata)) + metadata + image)
    elif frame.get("event_type") == 3:
        node_id = frame["node_id"].encode()
        text = frame["text_payload"].encode()
        await socket.send_bytes(struct.pack(">II", 3, len(node_id)) + node_id + text)
    elif frame.get("binary"):
        await socket.send_bytes(bytes.fromhex(frame["head_hex"]).ljust(frame["length"], b"\0"))


def make_response(answer: Json, prompt_id: str | None = None) -> web.Response:
    """Build the recorded answer; a prompt id of the server's own becomes the client's."""
    headers = {"Content-Type": answer.get("headers", {}).get("Content-Type", "application/json")}
    if "body_binary" in answer:
        binary = answer["body_binary"]
        content = bytes.fromhex(binary["head_hex"]).ljust(binary["length"], b"\0")
        return web.Response(status=answer["status"], body=content, headers=headers)
    if "body" not in answer:
        return web.Response(
            status=answer["status"], body=answer.get("body_raw", "").encode(), headers=headers
        )
    body = answer["body"]
    if prompt_id is not None and "prompt_id" in body:
        body = body | {"prompt_id": prompt_id}
    return web.Response(status=answer["status"], body=json.dumps(body).encode(), headers=headers)
