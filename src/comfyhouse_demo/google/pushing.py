"""Channels that really post: a greeting, then a message for whatever the channel's app sees."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

import aiohttp
from aiohttp import web

from comfyhouse_demo.google.house import GOOGLE, Google
from comfyhouse_demo.google.scopes import SEES_ALL
from comfyhouse_demo.google.store import now, read_json

_MOMENT_SECONDS = 0.02
_TIMEOUT = aiohttp.ClientTimeout(total=10)
_TRIES = 4
_AGENT = "APIs-Google; (+https://developers.google.com/webmasters/APIs-Google.html)"
#: What Google tries again after; any other answer ends the matter.
_BUSY = frozenset({500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Message:
    """One post: its address and headers; there is never a body."""

    address: str
    headers: dict[str, str]


class Pushes:
    """Sends what channels have to tell. Messages of a moment become one, as with the real one."""

    def __init__(self, google: Google) -> None:
        self._google = google
        self._told = self._find_last()
        self._tasks: set[asyncio.Task[None]] = set()
        self._http: aiohttp.ClientSession | None = None
        self.held: list[Message] = []
        self.sent: list[dict[str, Any]] = []

    async def run(self) -> None:
        """Tell of changes for ever."""
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as self._http:
            while True:
                await self._google.store.has_news.wait()
                self._google.store.has_news.clear()
                await asyncio.sleep(_MOMENT_SECONDS)
                last = self._find_last()
                self._tell(self._told, last)
                self._told = last

    async def close(self) -> None:
        """Send nothing any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def greet(self, channel_id: str) -> None:
        """Send the first message of a channel, which says `sync`."""
        self._plan(self._make_message(channel_id, "sync"))

    def release(self) -> int:
        """Send what was held back; returns how many."""
        messages, self.held = self.held, []
        for message in messages:
            self._start(message, 0.0)
        return len(messages)

    def _tell(self, after: int, last: int) -> None:
        rows = self._google.store.list(
            "SELECT sub, apps FROM changes WHERE seq > ? AND seq <= ?", after, last
        )
        for channel in self._google.store.list("SELECT * FROM channels WHERE until > ?", now()):
            sees_all = SEES_ALL.intersection(read_json(channel["scopes"]))
            if any(
                row["sub"] == channel["sub"]
                and (sees_all or channel["client"] in read_json(row["apps"]))
                for row in rows
            ):
                self._plan(self._make_message(channel["id"], "change"))

    def _plan(self, message: Message) -> None:
        switches = self._google.switches
        if switches.pushes == "hold":
            self.held.append(message)
        elif switches.pushes != "drop":
            for _ in range(2 if switches.pushes == "double" else 1):
                self._start(message, switches.push_delay_seconds)

    def _start(self, message: Message, delay_seconds: float) -> None:
        task = asyncio.create_task(self._send(message, delay_seconds))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self, message: Message, delay_seconds: float) -> None:
        await asyncio.sleep(delay_seconds)
        for attempt in range(_TRIES):
            status = await self._post(message)
            self.sent.append({"address": message.address, "status": status, **message.headers})
            if status and status not in _BUSY:
                return
            await asyncio.sleep(0.1 * 2**attempt)

    async def _post(self, message: Message) -> int:
        """Return the status of the answer; 0 where none came."""
        if self._http is None:
            return 0
        try:
            async with self._http.post(message.address, headers=message.headers) as response:
                return response.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            return 0

    def _make_message(self, channel_id: str, state: str) -> Message:
        store = self._google.store
        store.run("UPDATE channels SET messages = messages + 1 WHERE id = ?", channel_id)
        row = store.find("SELECT * FROM channels WHERE id = ?", channel_id)
        assert row is not None
        headers = {
            "User-Agent": _AGENT,
            "X-Goog-Channel-ID": channel_id,
            "X-Goog-Channel-Expiration": formatdate(row["until"], usegmt=True),
            "X-Goog-Resource-ID": row["resource"],
            "X-Goog-Resource-URI": f"{self._google.public_url}/drive/v3/changes?alt=json",
            "X-Goog-Resource-State": state,
            "X-Goog-Message-Number": str(row["messages"]),
        }
        if row["token"]:
            headers["X-Goog-Channel-Token"] = row["token"]
        return Message(row["address"], headers)

    def _find_last(self) -> int:
        row = self._google.store.find("SELECT seq FROM sqlite_sequence WHERE name = 'changes'")
        return 0 if row is None else int(row["seq"])


PUSHES = web.AppKey("pushes", Pushes)


async def keep_pushing(app: web.Application) -> AsyncIterator[None]:
    """Send messages for as long as the demo runs."""
    app[PUSHES] = pushes = Pushes(app[GOOGLE])
    task = asyncio.create_task(pushes.run())
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    await pushes.close()
