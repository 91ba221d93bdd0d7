"""Frames of the WebSocket, read without any IO: bytes in, events out.

Whatever a frame holds, reading it never raises: a server may run custom nodes that send frames of
their own, and one odd frame must not cost the others.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

import orjson

from comfyhoused.adapters.comfyui.documents import find_mapping, find_text, list_texts

MAX_TEXT_BYTES = 20_000


class EndHint(StrEnum):
    """What the frames say of the end; the history is the truth."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Started:
    """The server began to run the prompt."""


@dataclass(frozen=True, slots=True)
class NodesCached:
    """These nodes need not run."""

    node_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NodeStarted:
    """The server began to run this node."""

    node_id: str


@dataclass(frozen=True, slots=True)
class Progress:
    """A node is at `value` of `max`; each node counts anew (25)."""

    node_id: str
    value: float
    max: float


@dataclass(frozen=True, slots=True)
class Preview:
    """A picture of the work as it stands, at most 512 pixels wide or high (22)."""

    image: bytes
    content_type: str
    node_id: str | None


@dataclass(frozen=True, slots=True)
class NodeText:
    """A node's progress in words."""

    node_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The run is over and the history has it."""

    hint: EndHint = EndHint.UNKNOWN


@dataclass(frozen=True, slots=True)
class Ending:
    """The run is over, but the history may lack it for some milliseconds more (18)."""

    hint: EndHint


@dataclass(frozen=True, slots=True)
class QueueLength:
    """How many prompts the server has, the running one included. Belongs to no prompt."""

    remaining: int


RunEvent = Started | NodesCached | NodeStarted | Progress | Preview | NodeText | Ending | Ended
FrameEvent = RunEvent | QueueLength


@dataclass(frozen=True, slots=True)
class Frame:
    """What one frame says, and of which prompt; None where it does not say."""

    prompt_id: str | None
    events: tuple[FrameEvent, ...] = ()


_ENDINGS = {
    "execution_success": (Ending(EndHint.SUCCEEDED),),
    "execution_error": (Ending(EndHint.FAILED),),
    "execution_interrupted": (Ending(EndHint.INTERRUPTED),),
}
_STARTED = (Started(),)
_ENDED = (Ended(),)
_IMAGE_TYPES = {1: "image/jpeg", 2: "image/png"}
_SAFE_IMAGE_TYPES = frozenset({"image/jpeg", "image/png", "image/webp"})
_PREVIEW, _TEXT, _PREVIEW_WITH_METADATA = 1, 3, 4


def parse_text(data: str | bytes) -> Frame | None:
    """Return what a text frame says; None for what says nothing to us."""
    try:
        message = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    kind, body = find_text(message, "type"), find_mapping(message, "data")
    if kind == "status":
        remaining = find_mapping(find_mapping(body, "status"), "exec_info").get("queue_remaining")
        return Frame(None, (QueueLength(remaining),)) if isinstance(remaining, int) else None
    events = _find_events(kind, body)
    return None if events is None else Frame(find_text(body, "prompt_id"), events)


def parse_binary(data: bytes) -> Frame | None:
    """Return what a binary frame says; None for what says nothing to us.

    `>I` event number, then: 1 = `>I` image type, image; 3 = `>I` length, node id, text;
    4 = `>I` length, JSON, image.
    """
    try:
        event, number = struct.unpack_from(">II", data)
        if event == _PREVIEW and number in _IMAGE_TYPES:
            return Frame(None, (Preview(data[8:], _IMAGE_TYPES[number], None),))
        head, tail = data[8 : 8 + number], data[8 + number :]
        if event == _TEXT and number <= len(data) - 8:
            text = tail[:MAX_TEXT_BYTES].decode(errors="replace")
            return Frame(None, (NodeText(head.decode(), text),))
        if event == _PREVIEW_WITH_METADATA:
            return _make_preview(orjson.loads(head), tail)
    except (struct.error, ValueError):
        pass
    return None


def _find_events(kind: str | None, body: Mapping[str, object]) -> tuple[FrameEvent, ...] | None:
    """Return the events of a message; None for a kind of message we do not know."""
    match kind:
        case "progress_state":
            return tuple(_iterate_progress(find_mapping(body, "nodes")))
        case "executing":
            node_id = find_text(body, "node")
            return _ENDED if node_id is None else (NodeStarted(node_id),)
        case "progress":
            progress = _find_progress(find_text(body, "node"), body)
            return () if progress is None else (progress,)
        case "executed":
            return ()
        case "execution_start":
            return _STARTED
        case "execution_cached":
            return (NodesCached(list_texts(body.get("nodes"))),)
        case str() if kind in _ENDINGS:
            return _ENDINGS[kind]
    return None


def _iterate_progress(nodes: Mapping[str, object]) -> Iterator[Progress]:
    """Only nodes that count steps: others are said to be at 0.0 of 1.0 until they are done."""
    for node_id, state in nodes.items():
        if find_text(state, "state") == "running" and isinstance(state, dict):
            progress = _find_progress(node_id, state)
            if progress is not None and progress.max > 1:
                yield progress


def _find_progress(node_id: str | None, state: Mapping[str, object]) -> Progress | None:
    value, most = state.get("value"), state.get("max")
    if node_id is None or not isinstance(value, int | float) or not isinstance(most, int | float):
        return None
    return Progress(node_id, value, most)


def _make_preview(metadata: object, image: bytes) -> Frame | None:
    content_type = find_text(metadata, "image_type")
    prompt_id = find_text(metadata, "prompt_id")
    if content_type not in _SAFE_IMAGE_TYPES or content_type is None or prompt_id is None:
        return None
    return Frame(prompt_id, (Preview(image, content_type, find_text(metadata, "node_id")),))
