"""The progress stream of a job: states are kept, progress and previews are only passed on.

States are entries of a capped Redis stream whose ids serve as `Last-Event-ID`. Progress
goes by pub/sub; one snapshot, at most one a second, is kept for those who come late.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from comfyhoused.adapters.redis.client import DOWN, Store, make_unavailable
from comfyhoused.adapters.redis.streams import list_rows
from comfyhoused.core.jobs.record import make_key
from comfyhoused.core.jobs.states import JobState
from comfyhoused.kit.log import get_logger

log = get_logger(__name__)

#: A follower that lags so many messages behind loses the oldest; states are re-read anyway.
_MOST_WAITING = 64
#: A connection that was cut while one task read and another wrote mends itself in both at
#: once, which asyncio answers with RuntimeError; redis-py too, where it was never made.
_BROKEN = (*DOWN, RuntimeError)
_CONFIRM_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Event:
    """One message. `id` is None for progress, which is not kept."""

    id: str | None
    type: str
    data: dict[str, Any]

    @property
    def is_last(self) -> bool:
        """Tell whether nothing follows: the job is terminal."""
        return self.type in ("job.succeeded", "job.failed", "job.canceled", "job.expired")


def _make_event(entry_id: str | None, body: str) -> Event:
    data = json.loads(body)
    return Event(entry_id, data["type"], data)


class EventHub:
    """One Redis subscription of a process, shared by all its followers."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._pubsub = store.pubsub()
        self._queues: dict[str, set[asyncio.Queue[Event | None]]] = {}
        self._heard: dict[str, asyncio.Event] = {}
        self._reader: asyncio.Task[None] | None = None
        self._leaving: set[asyncio.Task[None]] = set()
        self._lock = asyncio.Lock()

    def count_followed(self) -> int:
        """Return how many jobs somebody follows."""
        return len(self._queues)

    async def close(self) -> None:
        """Stop reading; every follower's stream ends."""
        tasks = [*self._leaving, *([self._reader] if self._reader is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._pubsub.aclose()  # type: ignore[no-untyped-call]

    @asynccontextmanager
    async def follow(self, job_id: str) -> AsyncIterator[asyncio.Queue[Event | None]]:
        """Give a queue of all that is published about the job from now on; None: look again."""
        async with self.follow_channel(make_key(job_id, ":live")) as queue:
            yield queue

    @asynccontextmanager
    async def follow_channel(self, channel: str) -> AsyncIterator[asyncio.Queue[Event | None]]:
        """As follow, for any channel whose messages are `{"id": …, "event": …}` likewise."""
        queue: asyncio.Queue[Event | None] = asyncio.Queue(_MOST_WAITING)
        self._queues.setdefault(channel, set()).add(queue)
        try:
            await self._subscribe(channel)
            await self._confirm(channel)
            yield queue
        finally:
            self._leave(channel, queue)

    async def _subscribe(self, channel: str) -> None:
        async with self._lock:
            if channel in self._heard:
                return
            self._heard[channel] = asyncio.Event()
            try:
                await self._pubsub.subscribe(channel)
            except BaseException as error:  # cut off in the middle, too: the next one asks anew
                del self._heard[channel]
                if isinstance(error, _BROKEN):
                    raise make_unavailable() from error
                raise
            if self._reader is None or self._reader.done():
                self._reader = asyncio.create_task(self._read())

    async def _confirm(self, channel: str) -> None:
        """Wait until Redis passes messages on: those before can be read from the stream."""
        try:
            async with asyncio.timeout(_CONFIRM_SECONDS):
                await self._heard[channel].wait()
        except TimeoutError as error:
            raise make_unavailable() from error

    def _leave(self, channel: str, queue: asyncio.Queue[Event | None]) -> None:
        """Never waits: a web server lets a request that it has cancelled wait for nothing."""
        self._queues[channel].discard(queue)
        if not self._queues[channel]:
            del self._queues[channel]
            task = asyncio.create_task(self._unsubscribe(channel))
            self._leaving.add(task)
            task.add_done_callback(self._leaving.discard)

    async def _unsubscribe(self, channel: str) -> None:
        async with self._lock:
            if channel in self._queues or channel not in self._heard:
                return
            del self._heard[channel]
            with suppress(*_BROKEN):
                await self._pubsub.unsubscribe(channel)

    async def _read(self) -> None:
        while True:
            try:
                message = await self._pubsub.get_message(timeout=None)
            except _BROKEN:
                await asyncio.sleep(0.5)
                if not await self._connect_anew():
                    return
                self._wake_all()  # what was missed is re-read
                continue
            if message is None or message["type"] == "unsubscribe":
                if not self._pubsub.subscribed:
                    return
                continue
            self._hear(message["type"], message["channel"], message["data"])

    async def _connect_anew(self) -> bool:
        """Subscribe on a fresh connection to all that is followed; False when that is nothing."""
        async with self._lock:
            await self._pubsub.aclose()  # type: ignore[no-untyped-call]
            self._pubsub = self._store.pubsub()
            if self._heard:
                with suppress(*_BROKEN):  # then the next read fails, and it is tried again
                    await self._pubsub.subscribe(*self._heard)
            return bool(self._heard)

    def _hear(self, kind: str, channel: str, data: str) -> None:
        queues = self._queues.get(channel, ())
        if kind == "subscribe" and channel in self._heard:
            if self._heard[channel].is_set():  # anew, after a break: something may be missed
                for queue in queues:
                    _put_newest(queue, None)
            self._heard[channel].set()
        elif kind == "message":
            body = json.loads(data)
            event = _make_event(body.get("id"), body["event"])
            for queue in queues:
                _put_newest(queue, event)

    def _wake_all(self) -> None:
        for queues in self._queues.values():
            for queue in queues:
                _put_newest(queue, None)


def _put_newest(queue: asyncio.Queue[Event | None], event: Event | None) -> None:
    if queue.full():
        queue.get_nowait()
        event = None  # something is left out: look again
    queue.put_nowait(event)


async def list_events(store: Store, job_id: str, after: str = "-") -> list[Event]:
    """Return the kept events after an id, oldest first."""
    start = after if after == "-" else f"({after}"
    rows = await list_rows(store, make_key(job_id, ":events"), start)
    return [_make_event(entry_id, fields["event"]) for entry_id, fields in rows]


async def follow_job(
    store: Store, hub: EventHub, job_id: str, *, after: str = "-", idle_seconds: float = 15
) -> AsyncIterator[Event | None]:
    """Yield events from `after` on until the job is terminal; None every idle period.

    Resumable: whoever was cut off passes the last id it saw and misses no state. Ends at
    once where nothing can follow any more. Raises StoreUnavailable.
    """
    async with hub.follow(job_id) as queue:
        seen = after
        is_behind = True
        while True:
            if is_behind:
                missed = await _list_missed(store, job_id, seen)
                if missed is None:
                    return
                for event in missed:
                    seen = event.id or seen
                    yield event
                    if event.is_last:
                        return
                is_behind = False
            try:
                async with asyncio.timeout(idle_seconds):
                    live = await queue.get()
            except TimeoutError:
                yield None
                is_behind = True
                continue
            if live is None:
                is_behind = True
            elif live.id is None or _is_later(live.id, seen):
                # Nothing is left out: the queue began before the stream was read.
                seen = live.id or seen
                yield live
                if live.is_last:
                    return


async def _list_missed(store: Store, job_id: str, seen: str) -> list[Event] | None:
    """Return the events after `seen`, the newest progress last; None where nothing can follow."""
    fresh = await list_events(store, job_id, seen)
    if not fresh and await _is_over(store, job_id):
        # It may have ended in between; then there is a last event to tell.
        return await list_events(store, job_id, seen) or None
    # Before it runs there is no progress to tell of, and after its end nobody asks.
    if fresh and (fresh[-1].type == "job.queued" or fresh[-1].is_last):
        return fresh
    snapshot = await store.get(make_key(job_id, ":snapshot"))
    return fresh if snapshot is None else [*fresh, _make_event(None, str(snapshot))]


async def _is_over(store: Store, job_id: str) -> bool:
    state = await store.hget(make_key(job_id), "state")
    return state is None or JobState(str(state)).is_terminal


def _is_later(entry_id: str, seen: str) -> bool:
    if seen == "-":
        return True
    left, right = entry_id.split("-"), seen.split("-")
    return (int(left[0]), int(left[1])) > (int(right[0]), int(right[1]))


class Reporter:
    """Publishes the progress of one job: everything live, one snapshot a second kept."""

    def __init__(self, store: Store, job_id: str) -> None:
        self._store = store
        self._job_id = job_id
        self._kept_at = 0.0

    async def report(self, kind: str, data: dict[str, Any]) -> None:
        """Send one `job.progress` or `job.preview`; a hint, not kept."""
        body = json.dumps({"type": kind, "job_id": self._job_id, **data})
        now = asyncio.get_running_loop().time()
        await self._store.publish(make_key(self._job_id, ":live"), json.dumps({"event": body}))
        if kind == "job.progress" and now - self._kept_at >= 1:
            self._kept_at = now
            await self._store.set(make_key(self._job_id, ":snapshot"), body, ex=3600)
