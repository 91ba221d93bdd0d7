"""A watch keeps a slow reader from holding anything up, and tells the end once."""

import asyncio

import pytest

from comfyhoused.adapters.comfyui.frames import (
    Ended,
    EndHint,
    Ending,
    NodeStarted,
    NodeText,
    Preview,
    Progress,
    RunEvent,
    Started,
)
from comfyhoused.adapters.comfyui.watch import SocketLost, Watch, WatchEvent


async def drain(watch: Watch) -> list[WatchEvent]:
    """Return what is unread: a marker put behind it shows where to stop."""
    marker = SocketLost()
    watch.tell(marker)
    events: list[WatchEvent] = []
    async for event in watch:
        if event is marker:
            return events
        events.append(event)
    raise AssertionError("a watch never ends")


def put_all(watch: Watch, *events: RunEvent) -> None:
    for event in events:
        watch.put(event)


async def test_events_come_in_order() -> None:
    watch = Watch("a")
    put_all(watch, Started(), NodeStarted("3"), Progress("3", 1, 4))
    assert await drain(watch) == [Started(), NodeStarted("3"), Progress("3", 1, 4)]


async def test_a_slow_reader_gets_the_latest_of_each_kind() -> None:
    """23: frames that nobody reads must not pile up."""
    watch = Watch("a")
    watch.put(Started())
    for step in range(10_000):
        watch.put(NodeStarted("3"))
        watch.put(Progress("3", step, 10_000))
        watch.put(Preview(bytes([step % 256]), "image/jpeg", "3"))
        watch.put(NodeText("3", str(step)))
    put_all(watch, Ending(EndHint.FAILED), Ended())
    assert await drain(watch) == [
        Started(),
        NodeStarted("3"),
        Progress("3", 9999, 10_000),
        Preview(bytes([9999 % 256]), "image/jpeg", "3"),
        NodeText("3", "9999"),
        Ended(EndHint.FAILED),
    ]


async def test_two_frames_that_say_the_same_progress_are_one_event() -> None:
    """16: progress_state and progress."""
    watch = Watch("a")
    watch.put(Progress("3", 1, 4))
    assert await drain(watch) == [Progress("3", 1, 4)]
    watch.put(Progress("3", 1, 4))
    assert await drain(watch) == []


async def test_an_old_preview_gets_the_node_that_runs() -> None:
    """22: event 1 names no node."""
    watch = Watch("a")
    put_all(watch, NodeStarted("3"), Preview(b"x", "image/jpeg", None))
    assert (await drain(watch))[-1] == Preview(b"x", "image/jpeg", "3")


async def test_the_end_is_told_when_the_history_has_it() -> None:
    """18: execution_success comes before the entry, executing null after."""
    watch = Watch("a")
    watch.put(Ending(EndHint.SUCCEEDED))
    assert await drain(watch) == []
    watch.put(Ended())
    assert await drain(watch) == [Ended(EndHint.SUCCEEDED)]
    watch.put(Ended())
    assert await drain(watch) == []


async def test_the_end_is_told_even_if_executing_null_never_comes() -> None:
    """18: the gap was up to 0.47 s; a socket may be lost in it."""
    watch = Watch("a")
    watch.put(Ending(EndHint.INTERRUPTED))
    assert await asyncio.wait_for(watch.receive(), 60) == Ended(EndHint.INTERRUPTED)
    watch.put(Ended())
    assert await drain(watch) == []


async def test_the_same_id_may_run_twice() -> None:
    """1: each run has its end."""
    watch = Watch("a")
    put_all(watch, Started(), Ending(EndHint.FAILED), Ended())
    assert (await drain(watch))[-1] == Ended(EndHint.FAILED)
    put_all(watch, Started(), Ended())
    assert await drain(watch) == [Started(), Ended(EndHint.UNKNOWN)]


async def test_waiting_may_be_given_up_without_losing_an_event() -> None:
    watch = Watch("a")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(watch.receive(), 0)
    watch.put(Started())
    assert await asyncio.wait_for(watch.receive(), 60) == Started()
