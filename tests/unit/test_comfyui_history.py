"""A history entry becomes an outcome."""

import json
from typing import Any

import pytest

from comfyhoused.adapters.comfyui.documents import make_json, parse_json
from comfyhoused.adapters.comfyui.errors import BackendBroken, GraphRefused
from comfyhoused.adapters.comfyui.history import (
    ExecutionFailure,
    OutcomeStatus,
    OutputRef,
    OutputText,
    parse_history,
)

ID = "c60a609e-e454-47d0-a047-3869947363d1"
IMAGE = {"filename": "good_00002_.png", "subfolder": "", "type": "output"}
START = ["execution_start", {"prompt_id": ID, "timestamp": 1000}]
CACHED = ["execution_cached", {"nodes": ["4"], "prompt_id": ID, "timestamp": 1001}]
SUCCESS = ["execution_success", {"prompt_id": ID, "timestamp": 1005}]
ERROR = [
    "execution_error",
    {
        "prompt_id": ID,
        "node_id": "3",
        "node_type": "LoadImage",
        "executed": ["2", "1"],
        "exception_message": "cannot identify image file '/srv/comfyui/input/notes.txt'\n",
        "exception_type": "PIL.UnidentifiedImageError",
        "traceback": ["  File /srv/comfyui/execution.py"],
        "current_inputs": {"image": ["notes.txt"]},
        "timestamp": 1007,
    },
]
INTERRUPTED = [
    "execution_interrupted",
    {"prompt_id": ID, "node_id": "3", "executed": ["5"], "timestamp": 1009},
]


def make_entry(outputs: dict[str, Any], word: str, *messages: list[Any]) -> dict[str, Any]:
    status = {"status_str": word, "completed": word == "success", "messages": list(messages)}
    return {ID: {"prompt": [], "outputs": outputs, "status": status, "meta": {}}}


def test_success() -> None:
    outcome = parse_history(
        make_entry({"2": {"images": [IMAGE]}}, "success", START, CACHED, SUCCESS), ID
    )
    assert outcome is not None
    assert outcome.status is OutcomeStatus.SUCCEEDED
    assert outcome.outputs == (OutputRef("2", "images", "good_00002_.png", "", "output"),)
    assert outcome.cached == ("4",)
    assert (outcome.started_at_ms, outcome.ended_at_ms) == (1000, 1005)
    assert outcome.error is None


def test_failure_keeps_what_was_done_and_tells_no_paths() -> None:
    """12."""
    outcome = parse_history(make_entry({"2": {"images": [IMAGE]}}, "error", START, ERROR), ID)
    assert outcome is not None
    assert outcome.status is OutcomeStatus.FAILED
    assert len(outcome.outputs) == 1
    assert outcome.executed == ("2", "1")
    assert outcome.error == ExecutionFailure(
        "3",
        "LoadImage",
        "PIL.UnidentifiedImageError",
        "cannot identify image file '…/notes.txt'",
    )
    assert not outcome.error.is_out_of_memory


def test_an_interruption_says_error_and_is_none() -> None:
    """12."""
    outcome = parse_history(make_entry({}, "error", START, INTERRUPTED), ID)
    assert outcome is not None
    assert outcome.status is OutcomeStatus.INTERRUPTED
    assert outcome.error is None
    assert outcome.executed == ("5",)


def test_unknown_pending_and_deleted_prompts_look_the_same() -> None:
    """9."""
    assert parse_history({}, ID) is None
    assert parse_history([], ID) is None


def test_shapes_of_outputs() -> None:
    """13."""
    video = {"filename": "p18_00001_.mp4", "subfolder": "video", "type": "output"}
    latent = {"filename": "p19_00001_.latent", "subfolder": "latents", "type": "output"}
    outputs = {
        "1": {"images": [video], "animated": [True]},
        "2": {"text": ["128", 5]},
        "3": {"latents": [latent]},
        "4": {"images": [IMAGE, {"filename": ""}, None, "x"], "animated": [False]},
        "5": None,
        "6": {"result": ["a.glb"]},
    }
    outcome = parse_history(make_entry(outputs, "success", SUCCESS), ID)
    assert outcome is not None
    assert outcome.outputs == (
        OutputRef("1", "images", "p18_00001_.mp4", "video", "output", animated=True),
        OutputRef("3", "latents", "p19_00001_.latent", "latents", "output"),
        OutputRef("4", "images", "good_00002_.png", "", "output"),
    )
    assert outcome.texts == (OutputText("2", "128"),)


@pytest.mark.parametrize(
    ("exception_type", "message"),
    [
        ("RuntimeError", "DefaultCPUAllocator: can't allocate memory: you tried to allocate 4"),
        ("torch.OutOfMemoryError", "Allocation on device"),
        ("torch.cuda.OutOfMemoryError", "CUDA out of memory. Tried to allocate 20.00 GiB"),
    ],
)
def test_lack_of_memory_is_known(exception_type: str, message: str) -> None:
    assert ExecutionFailure("1", "EmptyImage", exception_type, message).is_out_of_memory


def test_a_bare_nan_in_history_is_read() -> None:
    """6: history holds the literal NaN."""
    body = json.dumps(make_entry({}, "success", SUCCESS)).replace('"meta": {}', '"meta": NaN')
    outcome = parse_history(parse_json(body.encode()), ID)
    assert outcome is not None
    assert outcome.status is OutcomeStatus.SUCCEEDED


@pytest.mark.parametrize("body", [b"", b"500 Internal Server Error", b"[" * 100_000, b"\xff"])
def test_what_is_not_json_is_a_broken_backend(body: bytes) -> None:
    """4."""
    with pytest.raises(BackendBroken):
        parse_json(body)


@pytest.mark.parametrize("value", ["\ud800", 2**70, {1: 2}])
def test_what_json_cannot_carry_is_refused(value: object) -> None:
    with pytest.raises(GraphRefused):
        make_json({"prompt": value})
