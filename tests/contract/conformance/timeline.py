"""The recorded HTTP exchanges in their order, and what has to be done before some of them."""

import itertools
import json
from collections.abc import Awaitable, Callable
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from aiohttp import ClientConnectionError, ClientResponse, FormData
from PIL import Image, UnidentifiedImageError
from yarl import URL

from tests.contract.conformance.cases import TOLD_HEADERS, Exchange
from tests.contract.conformance.graphs import make_noop, make_t2i, make_wrong_latent
from tests.contract.conformance.pictures import make_content, make_huge_file, make_png
from tests.contract.conformance.shapes import list_differences, shape_of
from tests.contract.conformance.stage import Stage

_RECORDED_HOST = "127.0.0.1:8188"
_HUGE_BYTES = 100_000_000
_OLDEST = "9a187dc9-7678-4029-a328-8d460ad04db7"
_INTERRUPTED = "d7d4b88a-f394-4872-b2b4-d0297a5cdd68"
_RUNNING = "ea82f0fe-207f-4e00-afe7-6bffe46f62a6"
_PENDING = (
    "fc1f7a61-8d51-4ece-8660-4da297f03c54",
    "785b59a8-dac2-401b-a4d9-fbdbd9144005",
    "83737922-d33b-4d69-951b-72ad89942520",
)
_TWIN = "dddddddd-1111-4222-8333-444444444444"
_SECRETS = {"api_key_comfy_org": "SECRET", "auth_token_comfy_org": "TOKEN"}


class Timeline:
    """Sends exchange after exchange to one engine, in the state that the recorder had."""

    def __init__(self, stage: Stage, scratch: Path) -> None:
        self._stage = stage
        self._scratch = scratch
        self._ids: dict[str, str] = {}
        self._validators: dict[str, str] = {}
        self._seeds = itertools.count(1000)
        self._before: dict[str, Callable[[], Awaitable[None]]] = {
            "030": self._fail_once,
            "167": self._add_example,
            "190": self._begin_history,
            "341": self._add_main_file,
            "40x-e2": self._run_own,
            "410": self._stage.settle,
            "420": self._fill_queue,
            "500": self._run_two,
            "505": self._queue_twins,
            "514": self._run_anything,
            "516": self._stage.settle,
            "600": self._crash,
            "701": self._queue_secrets,
        }

    async def play(self, exchange: Exchange) -> list[str]:
        """Send one exchange and return how the answer differs from the recorded one."""
        for prefix, prepare in self._before.items():
            if exchange.name.startswith(prefix + "-"):
                await prepare()
        await self._wait_for_entry(exchange)
        try:
            async with self._stage.session.request(
                exchange.request["method"],
                URL(self._stage.engine.url + self._replace(exchange.request["path"]), encoded=True),
                headers=self._make_headers(exchange),
                data=self._make_body(exchange),
            ) as response:
                body = await response.read()
        except ClientConnectionError:
            # The server may cut off an upload that is too big before its answer is read.
            return [] if exchange.answer["status"] == 413 else ["connection lost"]
        self._learn(exchange, response, body)
        return [f"{exchange.name} {place}" for place in _compare(exchange.answer, response, body)]

    def _replace(self, text: str) -> str:
        for recorded, ours in self._ids.items():
            text = text.replace(recorded, ours)
        return text

    def _make_headers(self, exchange: Exchange) -> dict[str, str]:
        headers = {
            name: value
            for name, value in exchange.request["headers"].items()
            if name != "Content-Type" or "multipart" not in value
        }
        if "Origin" in headers:
            host = self._stage.engine.url.removeprefix("http://")
            headers["Origin"] = headers["Origin"].replace(_RECORDED_HOST, host)
        for ours, theirs in (("If-None-Match", "Etag"), ("If-Modified-Since", "Last-Modified")):
            if ours in headers:
                headers[ours] = self._validators[theirs]
        return headers

    def _make_body(self, exchange: Exchange) -> FormData | str | None:
        request = exchange.request
        if "multipart" in request:
            return self._make_form(exchange)
        if "body" in request:
            return self._replace(json.dumps(request["body"]))
        raw: str | None = request.get("body_raw")
        return raw

    def _make_form(self, exchange: Exchange) -> FormData:
        form = FormData(quote_fields=exchange.request.get("client_quotes_filename", True))
        for part in exchange.request["multipart"]:
            if "value" in part:
                form.add_field(part["name"], part["value"])
                continue
            content: Any
            if part["length"] > _HUGE_BYTES:
                content = make_huge_file(self._scratch / "huge", part["length"]).open("rb")
            else:
                content = make_content(exchange.name, part)
            form.add_field(
                part["name"], content, filename=part["filename"], content_type=part["content_type"]
            )
        return form

    async def _wait_for_entry(self, exchange: Exchange) -> None:
        """Wait for an entry that the recorder waited for too."""
        path = exchange.request["path"]
        if path.startswith("/history/") and exchange.answer.get("json"):
            await self._stage.wait_for_history(unquote(self._replace(path[len("/history/") :])))

    def _learn(self, exchange: Exchange, response: ClientResponse, body: bytes) -> None:
        for name in ("Etag", "Last-Modified"):
            if name in response.headers:
                self._validators[name] = response.headers[name]
        recorded = exchange.answer.get("prompt_id")
        if recorded is not None and response.status == 200:
            self._ids[recorded] = json.loads(body)["prompt_id"]

    async def _fail_once(self) -> None:
        await self._stage.run(make_wrong_latent(), client_id="cli-d10")

    async def _add_example(self) -> None:
        (self._stage.engine.data / "input/example.png").write_bytes(make_png((9, 9, 9)))

    async def _begin_history(self) -> None:
        stage = self._stage
        await stage.post("history", {"clear": True})
        self._ids[_OLDEST] = await stage.run(make_noop(), client_id="cli-noop")
        await stage.run(make_t2i(1), client_id="cli-a")
        await stage.run(make_t2i(2), client_id="cli-a")
        workflow: dict[str, Any] = {"extra_pnginfo": {"workflow": {"nodes": []}}}
        await stage.run(make_t2i(3), client_id="cli-a", extra_data=workflow)

    async def _add_main_file(self) -> None:
        (self._stage.engine.data / "main.py").write_text("not a picture")

    async def _run_own(self) -> None:
        self._ids[_INTERRUPTED] = await self._run_slowly()

    async def _run_anything(self) -> None:
        await self._run_slowly()

    async def _run_slowly(self, **body: Any) -> str:
        await self._stage.settle()
        return await self._stage.start_slow(next(self._seeds), **body)

    async def _fill_queue(self) -> None:
        client = {"client_id": "cli-f"}
        self._ids[_RUNNING] = await self._run_slowly(**client)
        for number, recorded in enumerate(_PENDING):
            self._ids[recorded] = await self._stage.queue(make_noop(700 + number), **client)
        await self._stage.queue(make_noop(990), front=True, **client)

    async def _run_two(self) -> None:
        await self._stage.settle()
        for color in (8001, 8002):
            await self._stage.run(make_noop(color, "burst"), client_id="cli-burst")

    async def _queue_twins(self) -> None:
        await self._run_slowly()
        for _ in range(2):
            await self._stage.queue(make_noop(504), prompt_id=_TWIN)
        await self._stage.post("queue", {"delete": [_TWIN]})

    async def _crash(self) -> None:
        await self._run_slowly()
        self._stage.engine.restart()

    async def _queue_secrets(self) -> None:
        await self._run_slowly(extra_data=dict(_SECRETS))
        await self._stage.queue(make_noop(3), extra_data={"api_key_comfy_org": "SECRET2"})


def _read_image(body: bytes) -> dict[str, Any] | None:
    """Return what the recorder noted of a picture; None for bytes that are none."""
    try:
        with Image.open(BytesIO(body)) as picture:
            text_keys = sorted(getattr(picture, "text", {}))
            return {"format": picture.format, "mode": picture.mode, "text_keys": text_keys}
    except UnidentifiedImageError:
        return None


def _compare(answer: dict[str, Any], response: ClientResponse, body: bytes) -> list[str]:
    media_type = response.headers.get("Content-Type", "").partition(";")[0]
    found: list[str] = []
    for what, wanted, got in (
        ("status", answer["status"], response.status),
        ("media type", answer["media_type"], media_type),
        ("headers", answer["headers"], [name for name in TOLD_HEADERS if name in response.headers]),
    ):
        if wanted != got:
            found.append(f"{what}: expected {wanted!r}, got {got!r}")
    return found or _compare_body(answer, body)


def _compare_body(answer: dict[str, Any], body: bytes) -> list[str]:
    if "json" in answer:
        return list_differences(answer["json"], shape_of(json.loads(body)))
    if "image" in answer:
        got = _read_image(body)
        return [] if got == answer["image"] else [f"image: {answer['image']} expected, got {got}"]
    text = body.decode()
    return [] if text == answer["text"] else [f"text: {answer['text']!r} expected, got {text!r}"]
