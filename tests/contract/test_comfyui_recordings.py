"""Every recorded run, refusal and history of a real server, played to our client over HTTP."""

import json
import re
import uuid
from typing import Any

import pytest

from comfyhoused.adapters.comfyui.client import ComfyClient
from comfyhoused.adapters.comfyui.errors import (
    AttemptSeen,
    BackendBroken,
    GraphRefused,
    OutputMissing,
)
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
from comfyhoused.adapters.comfyui.history import OutcomeStatus, OutputRef, parse_history
from comfyhoused.adapters.comfyui.look import find_in_queue, parse_queue
from comfyhoused.kit.errors import make_problem
from tests.contract.comfyui_backends import connect, read_until_end
from tests.contract.comfyui_replay import (
    ReplayServer,
    list_recordings,
    load_recording,
    needs_recordings,
)

pytestmark = needs_recordings
ENDS = {
    "execution_success": EndHint.SUCCEEDED,
    "execution_error": EndHint.FAILED,
    "execution_interrupted": EndHint.INTERRUPTED,
}
STATUSES = {
    "execution_success": OutcomeStatus.SUCCEEDED,
    "execution_error": OutcomeStatus.FAILED,
    "execution_interrupted": OutcomeStatus.INTERRUPTED,
}


def is_submit(name: str) -> bool:
    request = load_recording("http", name).get("request", {})
    return (request.get("method"), request.get("path")) == ("POST", "/prompt")


SUBMITS = [name for name in list_recordings("http", "[23]*") if is_submit(name)]


def is_single_run(name: str) -> bool:
    recording = load_recording("ws", name)
    kinds = [frame["text"]["type"] for frame in recording.get("frames", []) if "text" in frame]
    return "post_response" in recording and "execution_start" in kinds


RUNS = [name for name in list_recordings("ws") if is_single_run(name)]


def make_client(url: str) -> ComfyClient:
    return ComfyClient(url, http_timeout_seconds=60, post_timeout_seconds=60)


@pytest.mark.parametrize("name", RUNS)
async def test_a_recorded_run_is_followed_to_its_end(name: str) -> None:
    """16, 18, 22, 25: frames of every kind, both preview formats, cached and failed runs."""
    recording = load_recording("ws", name)
    texts = [frame["text"] for frame in recording["frames"] if "text" in frame]
    end = next(text["type"] for text in texts if text["type"] in ENDS)
    async with ReplayServer() as server:
        server.add_run(recording)
        async with connect(server.url) as backend:
            prompt_id = str(uuid.uuid4())
            async with backend.socket.watch(prompt_id) as watch:
                await backend.submit({}, prompt_id)
                events = await read_until_end(watch)
    assert events[0] == Started()
    assert events[-1] == Ended(ENDS[end])
    assert {type(event) for event in events} == list_kinds(recording["frames"])
    latest = [text["data"] for text in texts if text["type"] == "progress"][-1:]
    for data in latest:
        progress = [event for event in events if isinstance(event, Progress)]
        assert progress[-1] == Progress(data["node"], data["value"], data["max"])


def list_kinds(frames: list[dict[str, Any]]) -> set[type]:
    """What a reader must meet at least once, however slow it is."""
    texts = [frame["text"] for frame in frames if "text" in frame]
    binaries = {frame.get("event_type") for frame in frames}
    kinds: set[type] = {Started, NodesCached, Ended}
    kinds |= {NodeStarted} if any(t["data"].get("node") for t in texts if is_node(t)) else set()
    kinds |= {Progress} if any(text["type"] == "progress" for text in texts) else set()
    kinds |= {Preview} if binaries & {1, 4} else set()
    return kinds | ({NodeText} if 3 in binaries else set())


def is_node(text: dict[str, Any]) -> bool:
    return bool(text["type"] == "executing")


@pytest.mark.parametrize("name", SUBMITS)
async def test_a_recorded_answer_to_a_submit_is_understood(name: str) -> None:
    """3, 4, 5: accepted, partly accepted, refused with and without facts, 500 with a text."""
    async with ReplayServer() as server:
        recording = server.add_exchange(name)
        client = make_client(server.url)
        answer = recording["response"]
        error = await find_submit_error(client)
        await client.close()
    if answer["status"] == 200:
        assert error is None or answer["body"]["node_errors"]
        return
    if answer["status"] == 500:
        assert isinstance(error, BackendBroken)
        assert error.http_status == 500
        return
    if answer["body"]["error"]["type"] == "no_prompt":
        assert isinstance(error, AttemptSeen)
        return
    assert isinstance(error, GraphRefused)
    problem = make_problem(error)
    pointed = {entry.get("node_id") for entry in problem["errors"]}
    assert pointed >= set(answer["body"]["node_errors"])
    told = json.dumps(problem)
    assert not re.search(r"(?<!…)/srv", told)
    assert "traceback" not in told
    assert "sd15_random.safetensors" not in told


async def find_submit_error(client: ComfyClient) -> Exception | None:
    prompt_id = str(uuid.uuid4())
    try:
        submitted = await client.submit({}, prompt_id=prompt_id, client_id="c", attempt="a")
    except (GraphRefused, AttemptSeen, BackendBroken) as error:
        return error
    return ValueError("partial") if submitted.partial else None


async def test_a_submit_sends_what_the_server_needs_and_no_number() -> None:
    """2, 7: `number` and `front` are never sent; extra_data is an object, client_id a text."""
    async with ReplayServer() as server:
        server.add_exchange("202-prompt-caller-chosen-prompt_id")
        client = make_client(server.url)
        graph = {"1": {"class_type": "EmptyImage", "inputs": {}}}
        submitted = await client.submit(graph, prompt_id="p", client_id="c", attempt="a")
        await client.close()
        assert not submitted.partial
        assert server.posted == [
            {
                "prompt": graph,
                "prompt_id": "p",
                "client_id": "c",
                "extra_data": {"comfyhouse": {"attempt": "a"}},
            }
        ]


@pytest.mark.parametrize("name", list_recordings("history"))
def test_a_recorded_history_is_understood(name: str) -> None:
    """12, 13: succeeded, failed and interrupted runs and their outputs, giving nothing away."""
    document = load_recording("history", name)
    document = document.get("response", {}).get("body", document)
    prompt_id, entry = next(iter(document.items()))
    outcome = parse_history(document, prompt_id)
    assert outcome is not None
    assert outcome.status is STATUSES[entry["status"]["messages"][-1][0]]
    assert (outcome.error is not None) == (outcome.status is OutcomeStatus.FAILED)
    files = [
        (node_id, kind, file["filename"])
        for node_id, output in entry["outputs"].items()
        for kind, items in output.items()
        for file in items
        if isinstance(file, dict)
    ]
    assert [(ref.node_id, ref.kind, ref.filename) for ref in outcome.outputs] == files
    told = repr(outcome)
    assert not re.search(r"(?<!…)/srv", told)
    assert "execution.py" not in told


def test_the_recorded_queue_is_understood() -> None:
    """1, 10: one copy left of a prompt queued twice; a busy queue."""
    queue = parse_queue(load_recording("http", "420-queue-busy")["response"]["body"])
    assert [item.client_id for item in queue.running] == ["cli-f"]
    assert len(queue.pending) == 4
    secrets = parse_queue(load_recording("http", "701-queue-shows-secrets")["response"]["body"])
    assert "SECRET" not in repr(secrets)
    copies = load_recording("http", "505-queue-after-delete-of-duplicate-id")["response"]["body"]
    pending_id = copies["queue_pending"][0][1]
    found = find_in_queue(parse_queue(copies), pending_id)
    assert found is not None
    assert found.copies == 1


async def test_recorded_files_are_read_and_missed() -> None:
    """14, 29: a PNG, and the 404 for a file that a cached run announced."""
    async with ReplayServer() as server:
        server.add_exchange("190-view-output")
        client = make_client(server.url)
        ref = OutputRef("9", "images", "t2i_00003_.png", "", "output")
        async with client.open_output(ref) as stream:
            content = b"".join([chunk async for chunk in stream.chunks])
            assert stream.content_type == "image/png"
            assert stream.size_bytes == len(content) == 39883
        with pytest.raises(OutputMissing):
            async with client.open_output(OutputRef("9", "images", "gone.png", "", "output")):
                pass
        await client.close()


async def test_the_recorded_catalogue_and_versions_are_read() -> None:
    async with ReplayServer() as server:
        server.add_exchange("001-system_stats")
        server.add_exchange("002-features")
        client = make_client(server.url)
        stats, features = await client.get_system_stats(), await client.get_features()
        hello = await client.get_hello()
        await client.close()
    assert isinstance(stats["system"], dict)
    assert features["max_upload_size"] == 104857600
    assert hello is None
