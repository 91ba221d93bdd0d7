"""Plays transcripts: one prompt, one socket, and what the recorder did meanwhile."""

from aiohttp import ClientWebSocketResponse, WSMsgType

from tests.contract.conformance.cases import Transcript
from tests.contract.conformance.frames import describe_message
from tests.contract.conformance.graphs import Graph, make_noop
from tests.contract.conformance.shapes import Shape, list_differences, shape_of
from tests.contract.conformance.stage import Stage

Frame = tuple[str, Shape]
FLAGS = {"type": "feature_flags", "data": {"supports_preview_metadata": True}}
_FRAME_SECONDS = 60.0
_REST_SECONDS = 0.5
_ENDS = (WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.CLOSING, WSMsgType.ERROR)
_UNUSED_COLOR = 0xABCDEF
_SILENCE: Frame = ("silence", None)


class Socket:
    """A WebSocket whose frames come as (label, shape)."""

    def __init__(self, response: ClientWebSocketResponse) -> None:
        self.response = response

    @classmethod
    async def connect(cls, stage: Stage, client_id: str | None, *, flags: bool = False) -> "Socket":
        """Open a socket; with `flags` it asks for previews with metadata."""
        query = "" if client_id is None else f"?clientId={client_id}"
        response = await stage.session.ws_connect(f"{stage.engine.url}/ws{query}")
        if flags:
            await response.send_json(FLAGS)
        return cls(response)

    async def read(self) -> Frame:
        """Return the next frame; ("closed", code) at the end, ("silence", None) after a while."""
        try:
            message = await self.response.receive(_FRAME_SECONDS)
        except TimeoutError:
            return _SILENCE
        if message.type in _ENDS:
            return "closed", self.response.close_code
        return describe_message(message)

    async def read_until(self, label: str) -> list[str]:
        """Return the labels of all frames up to the first that starts with `label`."""
        labels: list[str] = []
        while not labels or not labels[-1].startswith(label):
            labels.append((await self.read())[0])
            assert labels[-1] not in ("closed", "silence"), labels
        return labels

    async def read_rest(self) -> list[str]:
        """Return the labels of all that has come and still comes before it is silent."""
        labels: list[str] = []
        while True:
            try:
                message = await self.response.receive(_REST_SECONDS)
            except TimeoutError:
                return labels
            if message.type in _ENDS:
                return labels
            labels.append(describe_message(message)[0])

    async def close(self) -> None:
        """Close it from this side."""
        await self.response.close()


async def play_transcript(stage: Stage, transcript: Transcript) -> list[str]:
    """Run the prompt from the recorder's starting point; return how the frames differ."""
    await warm_cache(stage, transcript)
    client_id = f"cli-{transcript.name}" if transcript.has_client_id else None
    socket = await Socket.connect(
        stage, client_id or f"bystander-{transcript.name}", flags=transcript.sends_flags
    )
    expected = transcript.frames
    if expected[0][0] != "status to a new socket":
        await socket.read()  # this recording began in the middle of a socket's life
    body = {} if client_id is None else {"client_id": client_id}
    stops = {"own", "any"} & set(transcript.actions.values())
    await stage.switch(hold_at_step=2 if stops else 0)
    prompt_id = await stage.queue(transcript.prompt, **body)
    got: list[Frame] = []
    while len(got) < len(expected) and _SILENCE not in got:
        if len(got) in transcript.actions:
            await _interrupt(stage, transcript.actions[len(got)], prompt_id)
        got.append(await socket.read())
    await socket.close()
    found = _compare(expected, got)
    if not found and transcript.history is not None:
        entry = await stage.wait_for_history(prompt_id)
        found = list_differences(transcript.history, shape_of(entry), "history /")
    await stage.settle()
    return [f"{transcript.name} {place}" for place in found]


async def warm_cache(stage: Stage, transcript: Transcript) -> None:
    """Make the engine hold the results that the recorded server held, and no others."""
    # Only what the last prompt named is kept; POST /free would take effect at an unknown time.
    await stage.run(make_noop(_UNUSED_COLOR, "forget"))
    cached: list[str] = next(
        (shape["nodes"] for label, shape in transcript.frames if label == "execution_cached"), []
    )
    node_ids = [node_id.removeprefix("=") for node_id in cached]
    if node_ids:
        await stage.run(_make_warm_up(transcript.prompt, node_ids))


def _make_warm_up(prompt: Graph, node_ids: list[str]) -> Graph:
    """Return the cached part of a graph; a text output behind each node makes it run."""
    graph = {node_id: prompt[node_id] for node_id in node_ids}
    shows = {
        f"show-{node_id}": {"class_type": "PreviewAny", "inputs": {"source": [node_id, 0]}}
        for node_id in node_ids
        if prompt[node_id]["class_type"] != "SaveImage"
    }
    return graph | shows


async def _interrupt(stage: Stage, action: str, prompt_id: str) -> None:
    named = {"own": {"prompt_id": prompt_id}, "other": {"prompt_id": "no such prompt"}}
    await stage.post("interrupt", named.get(action, {}))


def _compare(expected: list[Frame], got: list[Frame]) -> list[str]:
    for index, ((label, shape), (got_label, got_shape)) in enumerate(
        zip(expected, got, strict=False)
    ):
        if label != got_label:
            return [f"frame {index}: expected {label!r}, got {got_label!r}"]
        found = list_differences(shape, got_shape, f"frame {index} ({label}) /")
        if found:
            return found
    return []
