"""Each fault and latency switch of the engine does what it says."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from aiohttp import ClientSession, WSMsgType

from tests.contract.conformance.graphs import make_noop, make_t2i
from tests.contract.conformance.sockets import Socket
from tests.contract.conformance.stage import Stage, start_engine
from tests.processes import EngineProcess

DEFAULTS = {
    "latency_seconds": 0.0,
    "node_seconds": 0.0,
    "step_seconds": 0.0,
    "model_load_seconds": 0.0,
    "hold_at_node": None,
    "hold_at_step": 0,
    "fail_at_node": None,
    "out_of_memory": None,
    "drop_socket": 0,
    "silent": False,
    "slow_view_bytes_per_second": 0.0,
    "lose_history": False,
    "dead_worker": False,
    "refuse_prompts": False,
    "no_checkpoints": False,
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    process = start_engine(tmp_path_factory.mktemp("engine"), "--switch", "model_slots=2")
    yield process
    process.stop()


@pytest.fixture
async def stage(engine: EngineProcess) -> AsyncIterator[Stage]:
    async with ClientSession() as session:
        made = Stage(engine, session)
        yield made
        await made.switch(**DEFAULTS)
        await made.settle()


async def test_command_line_and_route_show_the_same(stage: Stage) -> None:
    switches = await stage.get("engine/switches")
    assert switches == {**DEFAULTS, "model_slots": 2}


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"no_such": 1}, "model_slots"),
        ({"silent": "yes"}, "'silent' takes true or false"),
        ({"node_seconds": -1}, "'node_seconds' takes a number >= 0"),
        ({"node_seconds": True}, "'node_seconds' takes a number >= 0"),
        ({"fail_at_node": 3}, "'fail_at_node' takes a text or null"),
        ({"silent": True, "no_such": 1}, "unknown switch 'no_such'"),
        ([], "JSON object"),
    ],
)
async def test_bad_switches_are_refused_whole(stage: Stage, body: object, detail: str) -> None:
    async with stage.session.post(f"{stage.engine.url}/engine/switches", json=body) as response:
        assert response.status == 400
        assert detail in (await response.json())["detail"]
    assert (await stage.get("engine/switches"))["silent"] is False


async def test_latency_holds_answers_back(stage: Stage) -> None:
    await stage.switch(latency_seconds=30)
    late = asyncio.create_task(stage.get("queue"))
    await stage.get("engine/switches")
    assert not late.done()
    late.cancel()


async def test_nodes_take_their_time_and_can_be_interrupted(stage: Stage) -> None:
    await stage.switch(node_seconds=60)
    socket = await Socket.connect(stage, "patient")
    prompt_id = await stage.queue(make_noop(1), client_id="patient")
    await socket.read_until("executing 1")
    await stage.post("interrupt", {"prompt_id": prompt_id})
    entry = await stage.wait_for_history(prompt_id)
    assert entry["status"]["messages"][-1][0] == "execution_interrupted"


async def test_a_run_is_held_until_it_is_let_go_or_interrupted(stage: Stage) -> None:
    await stage.switch(hold_at_node="SaveImage")
    socket = await Socket.connect(stage, "held")
    ids = []
    for color in (31, 32):
        ids.append(await stage.queue(make_noop(color), client_id="held"))
        await socket.read_until("executing 2")
        assert await stage.get(f"history/{ids[-1]}") == {}
        if color == 31:
            await stage.post("interrupt", {"prompt_id": ids[0]})
    await stage.switch(hold_at_node=None)
    ends = [(await stage.wait_for_history(one))["status"]["messages"][-1][0] for one in ids]
    assert ends == ["execution_interrupted", "execution_success"]


async def test_a_sampler_is_held_before_a_step(stage: Stage) -> None:
    await stage.switch(hold_at_step=3)
    socket = await Socket.connect(stage, "steps")
    prompt_id = await stage.queue(make_t2i(33, steps=4), client_id="steps")
    await socket.read_until("progress 3 2/4")
    assert await stage.get(f"history/{prompt_id}") == {}
    await stage.switch(hold_at_step=0)
    labels = await socket.read_until("executing None")
    assert [one for one in labels if one.startswith("progress 3")] == [
        "progress 3 3/4",
        "progress 3 4/4",
    ]


@pytest.mark.parametrize(("target", "color"), [("SaveImage", 21), ("2", 22)])
async def test_a_node_fails(stage: Stage, target: str, color: int) -> None:
    await stage.switch(fail_at_node=target)
    entry = await stage.wait_for_history(await stage.queue(make_noop(color)))
    kind, error = entry["status"]["messages"][-1]
    assert (kind, error["node_id"], error["executed"]) == ("execution_error", "2", ["1"])
    await stage.switch(fail_at_node=None)
    entry = await stage.wait_for_history(await stage.queue(make_noop(color)))
    assert entry["status"]["status_str"] == "success"


async def test_memory_runs_out(stage: Stage) -> None:
    await stage.switch(out_of_memory="KSampler")
    entry = await stage.wait_for_history(await stage.queue(make_t2i(3)))
    kind, error = entry["status"]["messages"][-1]
    assert (kind, error["node_id"]) == ("execution_error", "3")
    assert error["exception_type"] == "torch.OutOfMemoryError"


async def test_sockets_are_cut_after_some_frames(stage: Stage) -> None:
    owner, bystander = await Socket.connect(stage, "cut"), await Socket.connect(stage, "cut too")
    await stage.switch(drop_socket=6)
    prompt_id = await stage.queue(make_noop(4), client_id="cut")
    for socket in (owner, bystander):
        while (frame := await socket.read())[0] != "closed":
            pass
        assert frame == ("closed", 1006)
    entry = await stage.wait_for_history(prompt_id)
    assert entry["status"]["status_str"] == "success"


async def test_silence(stage: Stage) -> None:
    await stage.switch(silent=True)
    socket = await Socket.connect(stage, "unheard")
    await stage.run(make_noop(5), client_id="unheard")
    assert await socket.read_rest() == []


async def test_view_is_slow_but_whole(stage: Stage) -> None:
    prompt_id = await stage.run(make_noop(6, "slow"))
    image = (await stage.wait_for_history(prompt_id))["outputs"]["2"]["images"][0]
    url = f"{stage.engine.url}/view?filename={image['filename']}"
    async with stage.session.get(url) as response:
        quick = await response.read()
    await stage.switch(slow_view_bytes_per_second=len(quick) * 5)
    async with stage.session.get(url) as response:
        assert response.content_length == len(quick)
        assert response.content_type == "image/png"
        assert await response.read() == quick


async def test_history_is_lost(stage: Stage) -> None:
    prompt_id = await stage.run(make_noop(7))
    await stage.switch(lose_history=True)
    assert await stage.get(f"history/{prompt_id}") == {}
    assert await stage.get("history") == {}


async def test_worker_stands_still_until_switched_back(stage: Stage) -> None:
    await stage.switch(dead_worker=True)
    ids = [await stage.queue(make_noop(color)) for color in (8, 9)]
    await stage.wait_until_running(ids[0])
    assert [item[1] for item in (await stage.get("queue"))["queue_pending"]] == [ids[1]]
    assert await stage.get(f"history/{ids[0]}") == {}
    await stage.switch(dead_worker=False)
    for prompt_id in ids:
        assert (await stage.wait_for_history(prompt_id))["status"]["completed"] is True


async def test_prompts_are_refused_as_comfyui_breaks(stage: Stage) -> None:
    await stage.switch(refuse_prompts=True)
    url = f"{stage.engine.url}/prompt"
    async with stage.session.post(url, json={"prompt": make_noop()}) as response:
        assert response.status == 500
        assert response.content_type == "text/plain"
    assert (await stage.get("prompt")) == {"exec_info": {"queue_remaining": 0}}


async def test_catalogue_without_checkpoints(stage: Stage) -> None:
    await stage.switch(no_checkpoints=True)
    loader = (await stage.get("object_info/CheckpointLoaderSimple"))["CheckpointLoaderSimple"]
    assert loader["input"]["required"]["ckpt_name"][0] == []
    assert await stage.get("models/checkpoints") == []
    assert await stage.get("models/diffusion_models") == []
    url = f"{stage.engine.url}/prompt"
    async with stage.session.post(url, json={"prompt": make_t2i()}) as response:
        assert response.status == 400


async def test_frames_after_a_cut_reach_the_next_socket(stage: Stage) -> None:
    first = await stage.session.ws_connect(f"{stage.engine.url}/ws?clientId=again")
    await stage.switch(drop_socket=1)
    await stage.run(make_noop(10), client_id="again")
    while (await first.receive()).type is WSMsgType.TEXT:
        pass
    await stage.switch(drop_socket=0)
    second = await Socket.connect(stage, "again")
    await stage.run(make_noop(11), client_id="again")
    assert "execution_success" in await second.read_until("executing None")
