"""What one reader sees of one prompt's frames."""

import asyncio
import time
from typing import Self

from comfyhoused.adapters.comfyui.frames import (
    Ended,
    EndHint,
    Ending,
    NodesCached,
    NodeStarted,
    NodeText,
    Preview,
    Progress,
    RunEvent,
    Started,
)

SETTLE_SECONDS = 0.5
"""After a terminal frame without `executing null` so long, the end is told all the same (18)."""


class SocketLost:
    """The socket is gone: frames are being missed, ask the history."""


class SocketBack:
    """The socket is there again; what happened meanwhile was not sent and never will be."""


WatchEvent = (
    Started
    | NodesCached
    | NodeStarted
    | Progress
    | Preview
    | NodeText
    | Ended
    | SocketLost
    | SocketBack
)


class Watch:
    """An endless async iterator of events, for one reader.

    Of each kind only the latest unread event is kept, in order of arrival: a slow reader gets
    fewer of them and never holds up the socket, which would stall every other client of the
    server (23). `Ended` comes once a run, when the history should have it.
    """

    def __init__(self, prompt_id: str) -> None:
        self.prompt_id = prompt_id
        self.node_id: str | None = None
        self.last_frame_at: float | None = None  # time.monotonic()
        self._unread: dict[object, WatchEvent] = {}
        self._arrived = asyncio.Event()
        self._hint = EndHint.UNKNOWN
        self._is_ended = False
        self._settling: asyncio.TimerHandle | None = None
        self._last_progress: Progress | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> WatchEvent:
        return await self.receive()

    async def receive(self) -> WatchEvent:
        """Wait for the next event and return it; safe to cancel."""
        while not self._unread:
            self._arrived.clear()
            await self._arrived.wait()
        return self._unread.pop(next(iter(self._unread)))

    def put(self, event: RunEvent) -> None:
        """Take in what a frame said of this prompt."""
        self.last_frame_at = time.monotonic()
        match event:
            case Ending():
                self._hint = event.hint
                loop = asyncio.get_running_loop()
                self._cancel_settling()
                self._settling = loop.call_later(SETTLE_SECONDS, self._end)
            case Ended():
                self._end()
            case Preview(node_id=None):
                self.tell(Preview(event.image, event.content_type, self.node_id))
            case Progress():
                if event != self._last_progress:  # two kinds of frames say the same
                    self._last_progress = event
                    self.tell(event)
            case _:
                self._follow(event)
                self.tell(event)

    def tell(self, event: WatchEvent) -> None:
        """Put an event last in line, in place of an unread one of its kind."""
        key: object = (NodeText, event.node_id) if isinstance(event, NodeText) else type(event)
        self._unread.pop(key, None)
        self._unread[key] = event
        self._arrived.set()

    def close(self) -> None:
        """Stop the timer."""
        self._cancel_settling()

    def _follow(self, event: RunEvent) -> None:
        if isinstance(event, NodeStarted):
            self.node_id = event.node_id
        elif isinstance(event, Started):  # the same id may run twice (1)
            self._is_ended, self._hint, self._last_progress = False, EndHint.UNKNOWN, None
            self._cancel_settling()

    def _end(self) -> None:
        self._cancel_settling()
        if not self._is_ended:
            self._is_ended, self.node_id = True, None
            self.tell(Ended(self._hint))

    def _cancel_settling(self) -> None:
        if self._settling is not None:
            self._settling.cancel()
            self._settling = None
