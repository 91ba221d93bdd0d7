"""What the recordings tell in a sentence or an excerpt only; numbers are those of their README."""

import json
from collections.abc import AsyncIterator, Iterator
from io import BytesIO

import numpy as np
import pytest
from aiohttp import ClientSession
from PIL import Image

from tests.contract.conformance.graphs import Graph, make_noop, make_t2i
from tests.contract.conformance.pictures import BLUE, GREEN, make_png
from tests.contract.conformance.sockets import FLAGS, Socket
from tests.contract.conformance.stage import Json, Stage, start_engine
from tests.processes import EngineProcess


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    process = start_engine(tmp_path_factory.mktemp("engine"))
    yield process
    process.stop()


@pytest.fixture
async def stage(engine: EngineProcess) -> AsyncIterator[Stage]:
    async with ClientSession() as session:
        made = Stage(engine, session)
        yield made
        await made.settle()


def make_inverted(name: str, prefix: str) -> Graph:
    return {
        "1": {"class_type": "LoadImage", "inputs": {"image": name}},
        "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
        "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": prefix}},
    }


async def run_to_image(stage: Stage, graph: Graph, output: str) -> tuple[Json, list[str]]:
    """Return the first picture's entry and the ids of the cached nodes."""
    entry = await stage.wait_for_history(await stage.queue(graph))
    cached: list[str] = entry["status"]["messages"][1][1]["nodes"]
    image: Json = entry["outputs"][output]["images"][0]
    return image, cached


async def test_nan_stands_in_history_as_a_bare_literal(stage: Stage) -> None:
    """6 and http/031."""
    graph = make_t2i()
    graph["3"]["inputs"]["cfg"] = float("nan")
    prompt_id = await stage.run(graph)
    async with stage.session.get(f"{stage.engine.url}/history/{prompt_id}") as response:
        assert '"cfg": NaN, "sampler_name"' in await response.text()


async def test_pngs_carry_the_prompt_and_what_changed(stage: Stage) -> None:
    """30 and http/192."""
    (stage.engine.data / "input/chg.png").write_bytes(make_png(BLUE))
    graph = make_inverted("chg.png", "meta")
    workflow: Json = {"extra_pnginfo": {"workflow": {"nodes": []}}}
    prompt_id = await stage.run(graph, extra_data=workflow)
    entry = await stage.wait_for_history(prompt_id)
    assert entry["prompt"][2] == graph
    name = entry["outputs"]["3"]["images"][0]["filename"]
    with Image.open(stage.engine.data / "output" / name) as picture:
        text = {key: json.loads(value) for key, value in picture.text.items()}  # type: ignore[attr-defined]
    (digest,) = text["prompt"]["1"].pop("is_changed")
    assert len(digest) == 64
    assert text == {"prompt": graph, "workflow": {"nodes": []}}


async def test_history_pages(stage: Stage) -> None:
    """15 and http/500-504."""
    await stage.post("history", {"clear": True})
    ids = [await stage.run(make_noop(100 + n)) for n in range(4)]
    for query, expected in {
        "": ids,
        "?max_items=2": ids[2:],
        "?max_items=2&offset=0": ids[:2],
        "?max_items=2&offset=1": ids[1:3],
        "?offset=3": ids[3:],
        "?max_items=0": [],
        "?max_items=-1": [],
        "?max_items=99": ids,
    }.items():
        assert list(await stage.get(f"history{query}")) == expected, query


async def test_a_cached_run_names_the_old_file_even_when_it_is_gone(stage: Stage) -> None:
    """14, ws/j and ws/k."""
    (stage.engine.data / "input/k.png").write_bytes(make_png(BLUE))
    graph = make_inverted("k.png", "cached")
    first, cached = await run_to_image(stage, graph, "3")
    assert cached == []
    (stage.engine.data / "output" / first["filename"]).unlink()
    assert await run_to_image(stage, graph, "3") == (first, ["1", "2", "3"])
    url = f"{stage.engine.url}/view?filename={first['filename']}"
    async with stage.session.get(url) as response:
        assert response.status == 404
    (stage.engine.data / "input/k.png").write_bytes(make_png(GREEN))
    changed, cached = await run_to_image(stage, graph, "3")
    assert cached == []
    assert (stage.engine.data / "output" / changed["filename"]).is_file()


async def test_another_prompt_pushes_the_cache_out(stage: Stage) -> None:
    _, cached = await run_to_image(stage, make_noop(201), "2")
    assert cached == []
    assert (await run_to_image(stage, make_noop(201), "2"))[1] == ["1", "2"]
    await run_to_image(stage, make_noop(202), "2")
    assert (await run_to_image(stage, make_noop(201), "2"))[1] == []


async def test_free_memory_empties_the_cache(stage: Stage) -> None:
    """ws/m."""
    await run_to_image(stage, make_noop(301), "2")
    await stage.post("free", {"free_memory": True})
    # The worker obeys at the latest after the next prompt.
    await run_to_image(stage, make_noop(301), "2")
    await stage.post("free", {"unload_models": True})
    await run_to_image(stage, make_noop(301), "2")
    assert (await run_to_image(stage, make_noop(301), "2"))[1] == ["1", "2"]


async def test_the_front_goes_first_and_the_rest_in_order(stage: Stage) -> None:
    """2 and 10."""
    running = await stage.start_slow(seed=401)
    ids = [await stage.queue(make_noop(400 + n)) for n in range(20)]
    front = await stage.queue(make_noop(499), front=True)
    middle = (await stage.post("prompt", {"prompt": make_noop(498), "number": -0.5}))["prompt_id"]
    await stage.post("interrupt", {"prompt_id": running})
    for prompt_id in ids:
        await stage.wait_for_history(prompt_id)
    assert list(await stage.get("history"))[-23:] == [running, front, middle, *ids]


async def test_the_queue_is_shown_in_heap_order(stage: Stage) -> None:
    """10 and http/420."""
    await stage.start_slow(seed=403)
    waiting = [await stage.queue(make_noop(410 + n)) for n in range(3)]
    front = await stage.queue(make_noop(420), front=True)
    shown = [item[1] for item in (await stage.get("queue"))["queue_pending"]]
    assert shown == [front, waiting[0], waiting[2], waiting[1]]


async def test_a_delete_removes_one_of_two_with_the_same_id(stage: Stage) -> None:
    """1 and http/505."""
    await stage.start_slow(seed=402)
    for color in (1, 2):
        await stage.queue(make_noop(color), prompt_id="twin")
    await stage.post("queue", {"delete": ["twin"]})
    assert [item[1] for item in (await stage.get("queue"))["queue_pending"]] == ["twin"]


async def test_one_stalled_reader_holds_up_the_frames_of_all(stage: Stage) -> None:
    """23 and ws/o3: eight frames of 3 MB to a socket that never reads."""
    noise = np.random.default_rng(7).integers(0, 256, (1024, 1024, 3), dtype=np.uint8)
    file = BytesIO()
    Image.fromarray(noise).save(file, "PNG", compress_level=1)
    (stage.engine.data / "input/noise.png").write_bytes(file.getvalue())
    big = {
        "1": {"class_type": "LoadImage", "inputs": {"image": "noise.png"}},
        "2": {"class_type": "RepeatImageBatch", "inputs": {"image": ["1", 0], "amount": 8}},
        "3": {"class_type": "SaveImageWebsocket", "inputs": {"images": ["2", 0]}},
    }
    quick = await Socket.connect(stage, "quick")
    async with ClientSession() as careless:
        stalled = await careless.ws_connect(f"{stage.engine.url}/ws?clientId=stalled")
        await stage.run(big, client_id="stalled")
        await stage.run(make_noop(501), client_id="quick")
        assert "execution_start" not in await quick.read_rest()
        assert not stalled.closed
    assert "execution_success" in await quick.read_until("executing None")


async def test_pictures_over_the_socket_take_the_clients_format(stage: Stage) -> None:
    """22: event 1 by default, event 4 once the client asked for metadata."""
    graph = {
        "1": {
            "class_type": "EmptyImage",
            "inputs": {"width": 32, "height": 32, "batch_size": 1, "color": 5},
        },
        "2": {"class_type": "SaveImageWebsocket", "inputs": {"images": ["1", 0]}},
    }
    plain = await Socket.connect(stage, "plain")
    await stage.queue(graph, client_id="plain")
    assert "binary 1 PNG" in await plain.read_until("executing None")
    rich = await Socket.connect(stage, "rich", flags=True)
    await stage.queue(graph, client_id="rich")
    labels = await rich.read_until("executing None")
    assert [label for label in labels if label.startswith("binary 4 PNG 2 ")]


async def test_feature_flags_count_in_the_first_message_only(stage: Stage) -> None:
    """22."""
    late = await Socket.connect(stage, "late")
    await late.response.send_str("hello")
    await late.response.send_json(FLAGS)
    await stage.queue(make_t2i(601), client_id="late")
    labels = await late.read_until("executing None")
    assert "feature_flags" not in labels
    assert "binary 1 JPEG" in labels


async def test_a_bogus_link_that_closes_a_cycle_fails_the_run(stage: Stage) -> None:
    """Inputs that no class declares are not validated (6), yet they are waited for."""
    graph = make_noop(701)
    graph["2"]["inputs"]["bogus"] = ["2", 0]
    entry = await stage.wait_for_history(await stage.queue(graph))
    kind, error = entry["status"]["messages"][-1]
    assert (kind, error["node_id"]) == ("execution_error", "2")
    await stage.run(make_noop(702))


async def test_a_long_chain_runs(stage: Stage) -> None:
    graph = make_noop(801, size=8)
    for number in range(100, 1100):
        source = str(number - 1) if number > 100 else "1"
        graph[str(number)] = {"class_type": "ImageInvert", "inputs": {"image": [source, 0]}}
    graph["2"]["inputs"]["images"] = ["1099", 0]
    entry = await stage.wait_for_history(await stage.queue(graph))
    assert entry["status"]["status_str"] == "success"
