"""Frames of a ComfyUI server become events; odd ones cost nothing."""

import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfyhoused.adapters.comfyui.frames import (
    Ended,
    EndHint,
    Ending,
    Frame,
    FrameEvent,
    NodesCached,
    NodeStarted,
    NodeText,
    Preview,
    Progress,
    QueueLength,
    Started,
    parse_binary,
    parse_text,
)

ID = "519eecaf-a4c6-455c-9b41-4ef76070d3b3"
JPEG = b"\xff\xd8\xff\xe0\0\x10JF"


def make_text(kind: str, **data: object) -> str:
    return json.dumps({"type": kind, "data": data})


def make_state(value: float, most: float, state: str) -> dict[str, object]:
    return {"value": value, "max": most, "state": state, "node_id": "3", "prompt_id": ID}


@pytest.mark.parametrize(
    ("text", "events"),
    [
        (make_text("execution_start", prompt_id=ID, timestamp=1), (Started(),)),
        (
            make_text("execution_cached", nodes=["4", "6"], prompt_id=ID),
            (NodesCached(("4", "6")),),
        ),
        (make_text("executing", node="3", display_node="3", prompt_id=ID), (NodeStarted("3"),)),
        (make_text("progress", value=1, max=4, prompt_id=ID, node="3"), (Progress("3", 1, 4),)),
        (
            make_text("progress_state", prompt_id=ID, nodes={"3": make_state(2, 4, "running")}),
            (Progress("3", 2, 4),),
        ),
        (
            make_text("progress_state", prompt_id=ID, nodes={"3": make_state(0.0, 1.0, "running")}),
            (),
        ),
        (
            make_text("progress_state", prompt_id=ID, nodes={"3": make_state(4, 4, "finished")}),
            (),
        ),
        (make_text("executed", node="9", output={"images": []}, prompt_id=ID), ()),
        (make_text("execution_success", prompt_id=ID), (Ending(EndHint.SUCCEEDED),)),
        (make_text("execution_error", prompt_id=ID, node_id="3"), (Ending(EndHint.FAILED),)),
        (make_text("execution_interrupted", prompt_id=ID), (Ending(EndHint.INTERRUPTED),)),
        (make_text("executing", node=None, prompt_id=ID), (Ended(),)),
    ],
)
def test_text_frames_that_name_a_prompt(text: str, events: tuple[FrameEvent, ...]) -> None:
    """16, 25: one frame of each kind that a run sends."""
    assert parse_text(text) == Frame(ID, events)


def test_the_executing_that_is_sent_again_names_no_prompt() -> None:
    """20."""
    assert parse_text(make_text("executing", node="3")) == Frame(None, (NodeStarted("3"),))


def test_status_tells_the_length_of_the_queue() -> None:
    status = {"exec_info": {"queue_remaining": 5}}
    assert parse_text(make_text("status", status=status, sid="x")) == Frame(None, (QueueLength(5),))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{",
        '{"type": "progress"}' * 2,
        make_text("feature_flags", supports_preview_metadata=True),
        make_text("crystools.monitor", prompt_id=ID, cpu=3),
        json.dumps({"type": ["status"], "data": 5}),
        make_text("status", status=None),
    ],
)
def test_text_frames_that_say_nothing_to_us(text: str) -> None:
    assert parse_text(text) is None


def test_a_progress_without_numbers_is_only_a_sign_of_life() -> None:
    text = make_text("progress", value=None, max="4", prompt_id=ID, node="3")
    assert parse_text(text) == Frame(ID, ())


@pytest.mark.parametrize(("number", "content_type"), [(1, "image/jpeg"), (2, "image/png")])
def test_old_previews_name_no_prompt(number: int, content_type: str) -> None:
    """22: binary event 1."""
    frame = parse_binary(struct.pack(">II", 1, number) + JPEG)
    assert frame == Frame(None, (Preview(JPEG, content_type, None),))


def make_event_4(**metadata: object) -> bytes:
    head = json.dumps(metadata).encode()
    return struct.pack(">II", 4, len(head)) + head + JPEG


def test_new_previews_name_prompt_and_node() -> None:
    """22: binary event 4."""
    data = make_event_4(node_id="3", prompt_id=ID, image_type="image/jpeg")
    assert parse_binary(data) == Frame(ID, (Preview(JPEG, "image/jpeg", "3"),))


def test_progress_texts() -> None:
    """22: binary event 3, as recorded from GetImageSize."""
    text = "width: 128, height: 128\n batch size: 1"
    data = struct.pack(">II", 3, 1) + b"2" + text.encode()
    assert parse_binary(data) == Frame(None, (NodeText("2", text),))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0\0\0\1",
        struct.pack(">II", 1, 7) + JPEG,
        struct.pack(">II", 2, 1) + JPEG,
        struct.pack(">II", 3, 1000) + b"2",
        struct.pack(">II", 4, 4_000_000_000) + b"{}",
        struct.pack(">II", 4, 2) + b"{}" + JPEG,
        make_event_4(node_id="3", prompt_id=ID, image_type="text/html"),
    ],
)
def test_binary_frames_that_say_nothing_to_us(data: bytes) -> None:
    assert parse_binary(data) is None


@given(st.binary(max_size=200))
def test_no_bytes_make_it_raise(data: bytes) -> None:
    frames = [parse_binary(data), parse_text(data), parse_binary(b"\0\0\0\4" + data)]
    assert all(frame is None or isinstance(frame, Frame) for frame in frames)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["nodes", "node", "prompt_id", "value", "max", "status", "state"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
KINDS = ["status", "progress_state", "executing", "progress", "executed", "execution_cached"]


@given(st.sampled_from(KINDS), JSON)
def test_no_document_makes_it_raise(kind: str, data: object) -> None:
    frame = parse_text(json.dumps({"type": kind, "data": data}))
    assert frame is None or isinstance(frame, Frame)
