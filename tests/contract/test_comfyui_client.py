"""One suite for every server our client is to work with: the built-in engine, and a real ComfyUI
where CH_TEST_COMFYUI_URL names one. The numbers are those of the recordings' README.
"""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from comfyhoused.adapters.comfyui.errors import AttemptSeen, GraphRefused, OutputMissing
from comfyhoused.adapters.comfyui.frames import (
    Ended,
    EndHint,
    NodesCached,
    NodeStarted,
    NodeText,
    Preview,
    Progress,
    Started,
)
from comfyhoused.adapters.comfyui.history import OutcomeStatus, OutputRef
from comfyhoused.adapters.comfyui.look import Absent, Finished, Pending, Running
from comfyhoused.adapters.comfyui.watch import SocketBack, SocketLost
from tests.contract.comfyui_backends import LIMIT_SECONDS, Backend, connect, read_until_end
from tests.contract.comfyui_graphs import (
    Graph,
    make_chain,
    make_node,
    make_noop,
    make_text_to_image,
)
from tests.processes import EngineProcess
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def engine_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    engine = EngineProcess(tmp_path_factory.mktemp("engine of the contract"))
    engine.start()
    yield engine.url
    engine.stop()


@pytest.fixture(params=["engine", "comfyui"])
def url(request: pytest.FixtureRequest) -> str:
    if request.param == "engine":
        engine: str = request.getfixturevalue("engine_url")
        return engine
    real = os.environ.get("CH_TEST_COMFYUI_URL")
    if not real:
        pytest.skip("CH_TEST_COMFYUI_URL is not set")
    return real


@pytest.fixture
async def backend(url: str) -> AsyncIterator[Backend]:
    async with connect(url) as backend:
        yield backend


async def iterate(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def find_checkpoint(backend: Backend) -> str:
    catalogue: Any = await backend.client.get_object_info()
    choices = catalogue["CheckpointLoaderSimple"]["input"]["required"]["ckpt_name"][0]
    if not choices:
        pytest.skip("this server has no checkpoint")
    return str(choices[0])


async def start_long_run(backend: Backend) -> str:
    """Start something that goes on until it is interrupted; on a real server for some seconds."""
    await backend.hold("ImageBlur")
    prompt_id = await backend.submit(make_chain())
    await backend.wait_running(prompt_id)
    return prompt_id


async def stop_run(backend: Backend, prompt_id: str) -> None:
    await backend.client.interrupt(prompt_id)
    await backend.wait_outcome(prompt_id)
    await backend.hold(None)


async def test_a_run_under_our_own_id_is_followed_to_its_outputs(backend: Backend) -> None:
    """1, 16, 18: our id is honoured; history has the run as soon as the watch tells the end."""
    events, outcome = await backend.run(make_noop(prefix="ch/attempt-1"))
    assert events[0] == Started()
    assert NodeStarted("2") in events
    assert events[-1] == Ended(EndHint.SUCCEEDED)
    assert outcome.status is OutcomeStatus.SUCCEEDED
    (ref,) = outcome.outputs
    assert (ref.node_id, ref.kind, ref.subfolder, ref.type) == ("2", "images", "ch", "output")
    assert ref.filename.startswith("attempt-1")
    assert outcome.ended_at_ms is not None
    assert outcome.started_at_ms is not None


async def test_after_the_end_the_history_is_never_late(backend: Backend) -> None:
    """18, 19: look only after `executing null`; the POST may answer after the first frame."""
    for _ in range(20):
        _, outcome = await backend.run(make_noop())
        assert outcome.status is OutcomeStatus.SUCCEEDED


async def test_a_cached_run_reports_the_old_files(backend: Backend) -> None:
    """14: no node runs, no new file is made."""
    graph = make_noop()
    _, first = await backend.run(graph)
    events, second = await backend.run(graph)
    assert not [event for event in events if isinstance(event, NodeStarted)]
    assert any(isinstance(event, NodesCached) and event.node_ids for event in events)
    assert second.outputs == first.outputs
    assert set(second.cached) == {"1", "2"}


async def test_an_output_is_streamed_and_missed_when_gone(backend: Backend) -> None:
    """14, 29, 30."""
    _, outcome = await backend.run(make_noop())
    (ref,) = outcome.outputs
    async with backend.client.open_output(ref) as stream:
        content = b"".join([chunk async for chunk in stream.chunks])
    assert stream.content_type == "image/png"
    assert content.startswith(b"\x89PNG")
    assert stream.size_bytes == len(content)
    gone = OutputRef("2", "images", "nothing_00001_.png", "ch", "output")
    with pytest.raises(OutputMissing):
        async with backend.client.open_output(gone):
            pass


async def test_files_of_ours_are_erased(backend: Backend) -> None:
    """14: with the node pack they are gone, without it they are one byte."""
    hello = await backend.client.get_hello()
    _, outcome = await backend.run(make_noop())
    await backend.client.delete_files(outcome.outputs)
    if hello is not None and hello.has_cleanup:
        with pytest.raises(OutputMissing):
            async with backend.client.open_output(outcome.outputs[0]):
                pass
        return
    async with backend.client.open_output(outcome.outputs[0]) as stream:
        assert [chunk async for chunk in stream.chunks] == [b"\0"]


def make_refused_graphs() -> dict[str, tuple[Graph, str]]:
    noop = make_noop
    return {
        "missing input": (noop() | {"2": make_node("SaveImage", images=["1", 0])}, "2"),
        "out of range": (
            noop() | {"1": make_node("EmptyImage", width=64, height=64, batch_size=1, color=-5)},
            "1",
        ),
        "unknown node": (noop() | {"1": make_node("NoSuchNode")}, "1"),
        "bad link": (
            noop() | {"2": make_node("SaveImage", images=["1"], filename_prefix="x")},
            "2",
        ),
        "wrong type": (
            noop()
            | {
                "2": make_node("SaveImage", images=["3", 0], filename_prefix="x"),
                "3": make_node("SolidMask", value=1.0, width=64, height=64),
            },
            "2",
        ),
        "missing file": (noop() | {"1": make_node("LoadImage", image="no-such.png")}, "1"),
    }


@pytest.mark.parametrize("name", list(make_refused_graphs()))
async def test_a_refusal_points_at_the_node(backend: Backend, name: str) -> None:
    """3: with the facts of node_errors, and no list of what would be allowed."""
    graph, node_id = make_refused_graphs()[name]
    with pytest.raises(GraphRefused) as caught:
        await backend.submit(graph)
    (error,) = caught.value.errors
    assert error["node_id"] == node_id
    assert error["pointer"].startswith(f"/workflow/{node_id}")
    assert "allowed" not in error


async def test_a_cycle_is_refused_without_facts(backend: Backend) -> None:
    """3: both `details` and `node_errors` are empty."""
    graph = {
        "1": make_node("ImageInvert", image=["2", 0]),
        "2": make_node("ImageInvert", image=["1", 0]),
        "3": make_node("SaveImage", images=["1", 0], filename_prefix="ch/x"),
    }
    with pytest.raises(GraphRefused) as caught:
        await backend.submit(graph)
    assert caught.value.detail


async def test_a_partly_valid_prompt_is_told(backend: Backend) -> None:
    """5: 200 with node_errors, and the good output runs."""
    graph = make_noop() | {
        "8": make_node("LoadImage", image="no-such.png"),
        "9": make_node("SaveImage", images=["8", 0], filename_prefix="ch/x"),
    }
    prompt_id = str(uuid.uuid4())
    submitted = await backend.client.submit(
        graph, prompt_id=prompt_id, client_id=backend.socket.client_id, attempt=prompt_id
    )
    assert submitted.partial
    assert {error["node_id"] for error in submitted.errors} >= {"8"}
    outcome = await backend.wait_outcome(prompt_id)
    assert [ref.node_id for ref in outcome.outputs] == ["2"]


async def test_an_attempt_is_taken_once(backend: Backend) -> None:
    """1: there is no duplicate check but the node pack's."""
    hello = await backend.client.get_hello()
    if hello is None or not hello.has_fence:
        pytest.skip("the node pack is not installed there")
    attempt = str(uuid.uuid4())
    names = {"prompt_id": attempt, "client_id": backend.socket.client_id, "attempt": attempt}
    await backend.client.submit(make_noop(), **names)
    with pytest.raises(AttemptSeen):
        await backend.client.submit(make_noop(), **names)
    assert hello.boot_id == (await connect_and_greet(backend.url))


async def test_a_forbidden_attempt_is_refused_later(backend: Backend) -> None:
    """1: so that a worker that wakes up late cannot queue what was given up."""
    hello = await backend.client.get_hello()
    if hello is None or not hello.has_fence:
        pytest.skip("the node pack is not installed there")
    attempt = str(uuid.uuid4())
    names = {"prompt_id": attempt, "client_id": backend.socket.client_id, "attempt": attempt}
    await backend.client.forbid(attempt)
    await backend.client.forbid(attempt)
    with pytest.raises(AttemptSeen):
        await backend.client.submit(make_noop(), **names)
    assert await backend.client.look(attempt) == Absent()


async def connect_and_greet(url: str) -> str | None:
    async with connect(url) as backend:
        hello = await backend.client.get_hello()
        return None if hello is None else hello.boot_id


async def test_a_look_tells_absent_pending_running_finished(backend: Backend) -> None:
    """9, 10: history answers {} for all but the finished one."""
    assert await backend.client.look(str(uuid.uuid4())) == Absent()
    running = await start_long_run(backend)
    pending = await backend.submit(make_noop())
    assert await backend.client.look(running) == Running()
    assert await backend.client.look(pending) == Pending()
    assert await backend.client.find_outcome(running) is None
    assert await backend.client.find_outcome(pending) is None
    queue = await backend.client.get_queue()
    mine = [item for item in queue.running if item.prompt_id == running]
    assert [item.client_id for item in mine] == [backend.socket.client_id]
    assert mine[0].attempt is not None
    await stop_run(backend, running)
    await backend.wait_outcome(pending)
    assert isinstance(await backend.client.look(pending), Finished)


async def test_a_deleted_prompt_leaves_no_trace(backend: Backend) -> None:
    """8, 9: the answer never says whether anything happened."""
    running = await start_long_run(backend)
    pending = await backend.submit(make_noop())
    await backend.client.delete_pending(running)
    await backend.client.delete_pending(pending)
    await backend.client.delete_pending(str(uuid.uuid4()))
    assert await backend.client.look(pending) == Absent()
    assert await backend.client.look(running) == Running()
    await stop_run(backend, running)


async def test_each_copy_of_an_id_must_be_deleted(backend: Backend) -> None:
    """1: the same id twice is queued twice; one delete removes one."""
    running = await start_long_run(backend)
    twice = await backend.submit(make_noop())
    await backend.submit(make_noop(), twice)
    assert await backend.client.look(twice) == Pending(copies=2)
    await backend.client.delete_pending(twice)
    assert await backend.client.look(twice) == Pending(copies=1)
    await backend.submit(make_noop(), twice)
    await backend.client.delete_pending(twice, copies=2)
    assert await backend.client.look(twice) == Absent()
    await stop_run(backend, running)


async def test_an_interrupt_ends_its_own_prompt_only(backend: Backend) -> None:
    """8, 12, 24: of an unknown or a waiting prompt it does nothing."""
    prompt_id = str(uuid.uuid4())
    await backend.hold("ImageBlur")
    async with backend.socket.watch(prompt_id) as watch:
        await backend.submit(make_chain(), prompt_id)
        pending = await backend.submit(make_noop())
        await backend.wait_running(prompt_id)
        await backend.client.interrupt(str(uuid.uuid4()))
        await backend.client.interrupt(pending)
        assert await backend.client.look(prompt_id) == Running()
        await backend.client.interrupt(prompt_id)
        events = await read_until_end(watch)
    await backend.hold(None)
    assert events[-1] == Ended(EndHint.INTERRUPTED)
    outcome = await backend.wait_outcome(prompt_id)
    assert outcome.status is OutcomeStatus.INTERRUPTED
    assert outcome.error is None
    assert (await backend.wait_outcome(pending)).status is OutcomeStatus.SUCCEEDED


async def test_an_idle_interrupt_does_not_hit_the_next_prompt(backend: Backend) -> None:
    """24."""
    await backend.client.interrupt(str(uuid.uuid4()))
    _, outcome = await backend.run(make_noop())
    assert outcome.status is OutcomeStatus.SUCCEEDED


async def test_a_failed_run_keeps_what_was_done(backend: Backend) -> None:
    """12, 26: uploads are not checked, so the file fails only when it is loaded."""
    name = f"ch_{uuid.uuid4().hex}.png"
    assert await backend.client.upload(name, iterate(b"not an image")) == name
    graph = make_noop() | {
        "3": make_node("LoadImage", image=name),
        "4": make_node("SaveImage", images=["3", 0], filename_prefix="ch/bad"),
    }
    events, outcome = await backend.run(graph)
    assert events[-1] == Ended(EndHint.FAILED)
    assert outcome.status is OutcomeStatus.FAILED
    assert outcome.error is not None
    assert (outcome.error.node_id, outcome.error.class_type) == ("3", "LoadImage")
    assert "UnidentifiedImageError" in outcome.error.exception_type
    assert {ref.node_id for ref in outcome.outputs} <= {"2"}
    assert not [part for part in outcome.error.message.split("'") if part.startswith("/")]


async def test_an_upload_replaces_what_had_its_name(backend: Backend) -> None:
    """26: `overwrite` keeps the name; without it another name comes back."""
    name = f"ch_{uuid.uuid4().hex}.png"
    assert await backend.client.upload(name, iterate(b"one", b"two")) == name
    assert await backend.client.upload(name, iterate(b"three")) == name
    async with backend.client.open_output(OutputRef("", "", name, "", "input")) as stream:
        assert b"".join([chunk async for chunk in stream.chunks]) == b"three"
    other = await backend.client.upload(name, iterate(b"four"), overwrite=False)
    assert other != name
    assert other.startswith(name.removesuffix(".png"))


@pytest.mark.parametrize("name", ["", ".", "../x.png", "a/b.png", "x [output]", "ü.png", "a" * 300])
async def test_names_that_come_back_changed_are_not_sent(backend: Backend, name: str) -> None:
    """27."""
    with pytest.raises(ValueError, match="not a name"):
        await backend.client.upload(name, iterate(b"x"))


async def test_kinds_of_outputs(backend: Backend) -> None:
    """13, 22: texts, animations, temporary previews."""
    graph = make_noop() | {
        "7": make_node("EmptyImage", width=64, height=64, batch_size=2, color=1),
        "3": make_node("GetImageSize", image=["1", 0]),
        "4": make_node("PreviewAny", source=["3", 0]),
        "5": make_node("PreviewImage", images=["1", 0]),
        "6": make_node(
            "SaveAnimatedWEBP",
            images=["7", 0],
            filename_prefix="ch/a",
            fps=6.0,
            lossless=True,
            quality=80,
            method="default",
        ),
    }
    events, outcome = await backend.run(graph)
    assert [text.text for text in outcome.texts] == ["64"]
    kinds = {ref.node_id: (ref.type, ref.animated) for ref in outcome.outputs}
    assert kinds == {"2": ("output", False), "5": ("temp", False), "6": ("output", True)}
    assert [event.node_id for event in events if isinstance(event, NodeText)] == ["3"]


async def test_steps_and_previews_are_followed(backend: Backend) -> None:
    """22, 25: our socket asks for previews that name their node."""
    graph = make_text_to_image(await find_checkpoint(backend), steps=3)
    events, outcome = await backend.run(graph)
    assert outcome.status is OutcomeStatus.SUCCEEDED
    progress = [event for event in events if isinstance(event, Progress)]
    assert progress[-1] == Progress("3", 3, 3)
    previews = [event for event in events if isinstance(event, Preview)]
    assert all(event.node_id == "3" and event.image for event in previews)


async def test_the_engine_sends_a_preview_of_each_step(engine_url: str) -> None:
    """22: a real server does so only with --preview-method, which is off by default."""
    async with connect(engine_url) as backend:
        prompt_id, previews = str(uuid.uuid4()), list[Preview]()
        graph = make_text_to_image(await find_checkpoint(backend), steps=3)
        async with backend.socket.watch(prompt_id) as watch:
            await backend.submit(graph, prompt_id)
            previews += [
                event for event in await read_until_end(watch) if isinstance(event, Preview)
            ]
    assert 1 <= len(previews) <= 3
    assert {preview.content_type for preview in previews} == {"image/jpeg"}
    assert all(preview.image.startswith(b"\xff\xd8") for preview in previews)


async def test_frames_go_only_to_the_client_that_queued(backend: Backend) -> None:
    """17: a bystander hears of the queue, of nothing else."""
    async with connect(backend.url) as bystander:
        prompt_id = str(uuid.uuid4())
        async with bystander.socket.watch(prompt_id) as watch:
            await backend.submit(make_noop(), prompt_id)
            await backend.wait_outcome(prompt_id)
            await wait_until(lambda: bystander.socket.queue_remaining == 0)
            assert watch.last_frame_at is None
        assert bystander.socket.find_heard(prompt_id) is None
        assert bystander.socket.last_frame_at is not None


async def test_a_reconnect_in_mid_run_goes_on(backend: Backend) -> None:
    """20, 21, 22: the old socket is closed first, the flags are sent again."""
    prompt_id = str(uuid.uuid4())
    await backend.hold("ImageBlur")
    async with backend.socket.watch(prompt_id) as watch:
        await backend.submit(make_chain(), prompt_id)
        async with asyncio.timeout(LIMIT_SECONDS):
            while not isinstance(await watch.receive(), NodeStarted):
                pass
            await backend.socket.reconnect()
            kinds = []
            while SocketBack not in kinds:
                kinds.append(type(await watch.receive()))
            await backend.hold(None)
            while not isinstance(await watch.receive(), NodeStarted):
                pass
        await backend.client.interrupt(prompt_id)
        events = await read_until_end(watch)
    assert SocketLost in kinds
    assert events[-1] == Ended(EndHint.INTERRUPTED)
    assert backend.socket.connections == 2


async def test_another_worker_takes_over_with_the_recorded_id(url: str) -> None:
    """17, 20: whoever re-attaches connects with the id that queued, once the old socket is gone."""
    client_id, prompt_id = uuid.uuid4().hex, str(uuid.uuid4())
    async with connect(url, client_id) as first:
        await first.hold("ImageBlur")
        await first.submit(make_chain(), prompt_id)
        await first.wait_running(prompt_id)
    async with connect(url, client_id) as second, second.socket.watch(prompt_id) as watch:
        assert await second.client.look(prompt_id) == Running()
        await second.hold(None)
        async with asyncio.timeout(LIMIT_SECONDS):
            while not isinstance(await watch.receive(), NodeStarted):
                pass
        await second.client.interrupt(prompt_id)
        events = await read_until_end(watch)
    assert events[-1] == Ended(EndHint.INTERRUPTED)


async def test_any_text_is_a_prompt_id(backend: Backend) -> None:
    """1: also one that has to be escaped in a path. Newer servers insist on UUIDs."""
    stats: Any = await backend.client.get_system_stats()
    if stats["system"]["comfyui_version"] != "0.3.64":
        pytest.skip("recorded of 0.3.64 only")
    prompt_id = f"job:42/attempt 1 {uuid.uuid4().hex}"
    await backend.submit(make_noop(), prompt_id)
    outcome = await backend.wait_outcome(prompt_id)
    assert outcome.status is OutcomeStatus.SUCCEEDED


async def test_what_a_server_is_and_offers_is_read(backend: Backend) -> None:
    stats: Any = await backend.client.get_system_stats()
    assert stats["system"]["comfyui_version"]
    features = await backend.client.get_features()
    assert isinstance(features.get("max_upload_size"), int)
    catalogue = await backend.client.get_object_info()
    assert {"LoadImage", "SaveImage", "KSampler", "CheckpointLoaderSimple"} <= set(catalogue)
