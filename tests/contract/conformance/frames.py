"""WebSocket frames in words: what must agree, in order, without ids, times and names."""

import json
import re
import struct
from io import BytesIO
from typing import Any

from aiohttp import WSMessage, WSMsgType
from PIL import Image

from tests.contract.conformance.shapes import Shape, shape_of


def describe_frame(frame: dict[str, Any]) -> tuple[str, Shape]:
    """Return (label, shape of the data) of a frame as the recordings write it."""
    if frame.get("binary"):
        return _describe_binary(frame), None
    message = frame["text"]
    return _label(message["type"], message["data"]), shape_of(_without_steps(message["data"]))


def _describe_binary(frame: dict[str, Any]) -> str:
    event = frame["event_type"]
    if event == 3:
        return f"binary 3 {frame['node_id']} {frame['text_payload']!r}"
    node = frame["metadata"]["node_id"] if event == 4 else ""
    keys = ",".join(sorted(frame["metadata"])) if event == 4 else ""
    return f"binary {event} {frame['image']['format']} {node} {keys}".rstrip()


def _label(kind: str, data: dict[str, Any]) -> str:
    if kind == "progress_state":
        states = [
            f"{node}={entry['state']}:{entry['value']:g}/{entry['max']:g}"
            for node, entry in data["nodes"].items()
        ]
        return " ".join([kind, *states])
    if kind == "progress":
        return f"{kind} {data['node']} {data['value']}/{data['max']}"
    if kind == "status" and "sid" in data:
        return "status to a new socket"
    if kind in ("executing", "executed"):
        return f"{kind} {data['node']}"
    return kind


def _without_steps(data: dict[str, Any]) -> dict[str, Any]:
    """Leave the many nodes of progress_state to the label; one of them shows the keys."""
    if "nodes" not in data or not isinstance(data["nodes"], dict):
        return data
    return {**data, "nodes": dict(list(data["nodes"].items())[-1:])}


def without_chance(labels: list[str]) -> list[str]:
    """Drop what depends on timing: `status` frames, step counts, and repeated steps."""
    kept: list[str] = []
    for label in labels:
        if label == "status":
            continue
        kept.append(re.sub(r":[\d.]+/[\d.]+|(?<=\d) [\d.]+/[\d.]+", "", label))
        for length in (1, 2, 3):
            if kept[-length:] == kept[-2 * length : -length]:
                del kept[-length:]
    return kept


def describe_message(message: WSMessage) -> tuple[str, Shape]:
    """Return (label, shape) of a message as it came over the wire."""
    if message.type is WSMsgType.TEXT:
        return describe_frame({"text": json.loads(message.data)})
    assert message.type is WSMsgType.BINARY, message
    return describe_frame(read_binary(message.data))


def read_binary(data: bytes) -> dict[str, Any]:
    """Take a binary frame apart as the recorder did."""
    (event,) = struct.unpack_from(">I", data)
    frame: dict[str, Any] = {"binary": True, "event_type": event}
    if event == 3:
        (length,) = struct.unpack_from(">I", data, 4)
        node, text = data[8 : 8 + length], data[8 + length :]
        return {**frame, "node_id": node.decode(), "text_payload": text.decode()}
    if event == 4:
        (length,) = struct.unpack_from(">I", data, 4)
        frame["metadata"] = json.loads(data[8 : 8 + length])
        return {**frame, "image": {"format": _format(data[8 + length :])}}
    assert event == 1, event
    return {**frame, "image": {"format": _format(data[8:])}}


def _format(data: bytes) -> str:
    with Image.open(BytesIO(data)) as picture:
        return str(picture.format)
