"""The client against an engine that is killed, silent, forgetful, deaf or stuck.

The numbers are those of the recordings' README.
"""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Iterator

import pytest

from comfyhouse_engine.switches import Switches
from comfyhoused.adapters.comfyui.client import ComfyClient
from comfyhoused.adapters.comfyui.errors import (
    BackendBroken,
    BackendUnreachable,
    UploadTooLarge,
)
from comfyhoused.adapters.comfyui.frames import Ended, EndHint, NodeStarted, Started
from comfyhoused.adapters.comfyui.health import ProgressWatch, SignOfDeath
from comfyhoused.adapters.comfyui.history import OutcomeStatus
from comfyhoused.adapters.comfyui.look import Absent, Finished, Running
from comfyhoused.adapters.comfyui.transfer import InputRef
from comfyhoused.adapters.comfyui.watch import SocketBack, SocketLost, Watch, WatchEvent
from tests.conftest import MakeEngine
from tests.contract.comfyui_backends import LIMIT_SECONDS, Backend, connect, read_until_end
from tests.contract.comfyui_graphs import make_chain, make_node, make_noop
from tests.processes import EngineProcess
from tests.waiting import wait_until

MEGABYTE = bytes(1_000_000)
CALM = Switches().as_dict()


@pytest.fixture(scope="module")
def module_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    engine = EngineProcess(tmp_path_factory.mktemp("engine with faults"))
    engine.start()
    yield engine
    engine.stop()


@pytest.fixture
def engine(module_engine: EngineProcess) -> Iterator[EngineProcess]:
    """An engine that no test kills; its switches are put back after each."""
    yield module_engine
    module_engine.set_switch(**CALM)


async def read_until(watch: Watch, kind: type) -> list[WatchEvent]:
    events: list[WatchEvent] = []
    async with asyncio.timeout(LIMIT_SECONDS):
        while not events or not isinstance(events[-1], kind):
            events.append(await watch.receive())
    return events


@pytest.mark.parametrize("end", ["kill", "stop"])
async def test_a_restarted_server_has_forgotten_everything(
    make_engine: MakeEngine, end: str
) -> None:
    """32, 33: running and pending are lost, connects are refused meanwhile, the boot id differs."""
    engine = make_engine("--switch", "hold_at_node=ImageBlur")
    async with connect(engine.url) as backend:
        before = await backend.client.get_hello()
        running = str(uuid.uuid4())
        async with backend.socket.watch(running) as watch:
            await backend.submit(make_chain(), running)
            await read_until(watch, NodeStarted)
            pending = [await backend.submit(make_noop()) for _ in range(3)]
            getattr(engine, end)()
            await read_until(watch, SocketLost)
            with pytest.raises(BackendUnreachable) as caught:
                await backend.submit(make_noop())
            assert caught.value.refused
            engine.start()
            await read_until(watch, SocketBack)
            engine.let_go()
        assert [await backend.client.look(each) for each in (running, *pending)] == [Absent()] * 4
        after = await backend.client.get_hello()
        assert before is not None
        assert after is not None
        assert before.boot_id != after.boot_id
        _, outcome = await backend.run(make_noop())
        assert outcome.status is OutcomeStatus.SUCCEEDED


async def judge(backend: Backend, progress: ProgressWatch) -> bool:
    queue = await backend.client.get_queue()
    progress.observe(queue, backend.socket, time.monotonic())
    return progress.is_worker_dead()


async def test_a_dead_worker_is_found_though_http_answers(engine: EngineProcess) -> None:
    """7: the server takes prompts and shows one as running for ever."""
    engine.set_switch(dead_worker=True)
    async with connect(engine.url) as backend:
        progress = ProgressWatch(patience_seconds=0.2)
        progress.note_submitted(prompt_id := str(uuid.uuid4()), time.monotonic())
        await backend.submit(make_noop(), prompt_id)
        await backend.wait_running(prompt_id)
        await wait_until(lambda: judge(backend, progress))
        assert progress.find_sign() is SignOfDeath.NEVER_STARTED
        engine.set_switch(dead_worker=False)
        await backend.wait_outcome(prompt_id)
        assert not await judge(backend, progress)


async def test_a_graph_that_kills_the_worker_is_found_out(make_engine: MakeEngine) -> None:
    """7: a stray node without `inputs` is taken with 200, and the worker dies of it."""
    engine = make_engine()
    async with connect(engine.url) as backend:
        progress = ProgressWatch(start_patience_seconds=0.2)
        progress.note_submitted(deadly := str(uuid.uuid4()), time.monotonic())
        await backend.submit(make_noop() | {"3": {"class_type": "EmptyImage"}}, deadly)
        waiting = await backend.submit(make_noop())
        await wait_until(lambda: judge(backend, progress))
        assert progress.find_sign() is SignOfDeath.NEVER_GOT_GOING
        assert await backend.client.look(deadly) == Running()
        assert await backend.client.find_outcome(waiting) is None


async def test_a_busy_worker_is_not_taken_for_dead(engine: EngineProcess) -> None:
    async with connect(engine.url) as backend:
        progress = ProgressWatch(patience_seconds=0.2)
        progress.note_submitted(prompt_id := str(uuid.uuid4()), time.monotonic())
        engine.hold("ImageBlur")
        async with backend.socket.watch(prompt_id) as watch:
            await backend.submit(make_chain(), prompt_id)
            await read_until(watch, NodeStarted)
        verdicts = [await judge(backend, progress)]
        started_at = time.monotonic()

        async def has_looked_for_long() -> bool:
            verdicts.append(await judge(backend, progress))
            return time.monotonic() - started_at > 0.5

        await wait_until(has_looked_for_long)
        await backend.client.interrupt(prompt_id)
        assert not any(verdicts)
        assert len(verdicts) >= 3


async def test_a_dropped_socket_does_not_stop_the_run(engine: EngineProcess) -> None:
    """20: frames are lost, the history is not."""
    async with connect(engine.url) as backend:
        prompt_id = str(uuid.uuid4())
        async with backend.socket.watch(prompt_id) as watch:
            engine.set_switch(drop_socket=1)
            await backend.submit(make_noop(), prompt_id)
            await read_until(watch, SocketLost)
            engine.set_switch(drop_socket=0)
            await read_until(watch, SocketBack)
        outcome = await backend.wait_outcome(prompt_id)
        assert outcome.status is OutcomeStatus.SUCCEEDED


async def test_a_silent_server_is_no_obstacle(engine: EngineProcess) -> None:
    """The socket is a hint, the history the truth."""
    engine.set_switch(silent=True)
    async with connect(engine.url) as backend:
        prompt_id = str(uuid.uuid4())
        async with backend.socket.watch(prompt_id) as watch:
            await backend.submit(make_noop(), prompt_id)
            outcome = await backend.wait_outcome(prompt_id)
            assert watch.last_frame_at is None
        assert outcome.status is OutcomeStatus.SUCCEEDED
        assert isinstance(await backend.client.look(prompt_id), Finished)


async def test_a_forgetful_history_looks_like_an_unknown_prompt(engine: EngineProcess) -> None:
    """9: {} also for what did run."""
    engine.set_switch(lose_history=True)
    async with connect(engine.url) as backend:
        prompt_id = str(uuid.uuid4())
        async with backend.socket.watch(prompt_id) as watch:
            await backend.submit(make_noop(), prompt_id)
            events = await read_until_end(watch)
        assert events[-1] == Ended(EndHint.SUCCEEDED)
        assert await backend.client.look(prompt_id) == Absent()


async def test_a_server_error_is_told_from_a_refusal(engine: EngineProcess) -> None:
    """4: 500 with a text."""
    engine.set_switch(refuse_prompts=True)
    async with connect(engine.url) as backend:
        with pytest.raises(BackendBroken) as caught:
            await backend.submit(make_noop())
        assert caught.value.http_status == 500


async def test_of_two_sockets_with_one_id_the_newer_goes_deaf(engine: EngineProcess) -> None:
    """21: when the older closes; a reconnect cures it."""
    client_id = uuid.uuid4().hex
    async with connect(engine.url, client_id) as older:
        reading = connect(engine.url, client_id)
        newer = await reading.__aenter__()
        assert older.socket.is_connected
    prompt_id = str(uuid.uuid4())
    async with newer.socket.watch(prompt_id) as watch:
        await newer.submit(make_noop(), prompt_id)
        await newer.wait_outcome(prompt_id)
        assert newer.socket.is_connected
        assert watch.last_frame_at is None
        await newer.socket.reconnect()
        await read_until(watch, SocketBack)
    events, _ = await newer.run(make_noop())
    assert events[0] == Started()
    await reading.__aexit__(None, None, None)


async def iterate_megabytes(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield MEGABYTE


async def test_an_upload_over_the_servers_limit_is_told(engine: EngineProcess) -> None:
    """26: 413 over 100 MB, or the connection is cut while we still send."""
    async with connect(engine.url) as backend:
        features = await backend.client.get_features()
        limit = features["max_upload_size"]
        assert isinstance(limit, int)
        with pytest.raises((UploadTooLarge, BackendUnreachable)):
            await backend.client.upload("ch_big.png", iterate_megabytes(limit // len(MEGABYTE) + 2))


class SourceBroke(Exception):
    """The reader of an upload's bytes failed."""


async def break_off() -> AsyncIterator[bytes]:
    yield MEGABYTE
    raise SourceBroke


async def test_a_failing_source_is_not_blamed_on_the_server(engine: EngineProcess) -> None:
    async with connect(engine.url) as backend:
        with pytest.raises(SourceBroke):
            await backend.client.upload("ch_half.png", break_off())
        graph = make_noop() | {"1": make_node("LoadImage", image="ch_half.png")}
        refused = await backend.client.submit(
            graph | make_noop(), prompt_id="p", client_id="c", attempt="p"
        )
        assert not refused.partial
        assert not (engine.data / "input" / "ch_half.png").exists()


async def test_a_slow_download_may_outlast_the_time_limit(engine: EngineProcess) -> None:
    """The limit is on silence, not on the whole stream."""
    async with connect(engine.url) as backend:
        name = await backend.client.upload("ch_slow.png", iterate_megabytes(1))
        engine.set_switch(slow_view_bytes_per_second=250_000)
        hasty = ComfyClient(engine.url, http_timeout_seconds=3, post_timeout_seconds=3)
        async with hasty.open_output(InputRef(name)) as stream:
            sizes = [len(chunk) async for chunk in stream.chunks]
        assert sum(sizes) == len(MEGABYTE)
        await hasty.close()
