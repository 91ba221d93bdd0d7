"""A refusal becomes errors that point somewhere and give nothing away."""

from typing import Any

import pytest

from comfyhoused.adapters.comfyui.redaction import redact
from comfyhoused.adapters.comfyui.refusals import (
    describe_refusal,
    is_attempt_seen,
    list_refusals,
)
from comfyhoused.kit.errors import FieldError


def make_body(error: dict[str, Any], node_errors: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"error": {"details": "", "extra_info": {}} | error, "node_errors": node_errors or {}}


FAILED = {
    "type": "prompt_outputs_failed_validation",
    "message": "Prompt outputs failed validation",
}


def make_node_error(kind: str, message: str, details: str, **extra: object) -> dict[str, Any]:
    error = {"type": kind, "message": message, "details": details, "extra_info": extra}
    return {"errors": [error], "dependent_outputs": ["9"], "class_type": "KSampler"}


@pytest.mark.parametrize(
    ("node_error", "detail"),
    [
        (
            make_node_error(
                "required_input_missing", "Required input is missing", "cfg", input_name="cfg"
            ),
            "The input cfg is missing.",
        ),
        (
            make_node_error(
                "value_bigger_than_max",
                "Value 10001 bigger than max of 10000",
                "cfg",
                input_name="cfg",
                input_config=["INT", {}],
                received_value=10001,
            ),
            "The input cfg: Value 10001 bigger than max of 10000.",
        ),
        (
            make_node_error(
                "value_not_in_list",
                "Value not in list",
                "cfg: 'x.png' not in ['secret of another.png']",
                input_name="cfg",
                input_config=[["secret of another.png"], {}],
                received_value="x.png",
            ),
            "The input cfg does not take 'x.png'.",
        ),
        (
            make_node_error(
                "custom_validation_failed",
                "Custom validation failed for node",
                "image - Invalid image file: no-such.png",
                input_name="cfg",
            ),
            "Custom validation failed for node: image - Invalid image file: no-such.png",
        ),
    ],
)
def test_a_node_error_points_at_its_input(node_error: dict[str, Any], detail: str) -> None:
    """3: error.details is empty, the facts are in node_errors."""
    body = make_body(FAILED, {"3": node_error})
    assert list_refusals(body) == [
        FieldError(
            detail=detail, pointer="/workflow/3/inputs/cfg", node_id="3", class_type="KSampler"
        )
    ]


def test_an_error_before_any_node_was_checked_names_it_in_the_text() -> None:
    message = "Cannot execute because node NoSuchNode does not exist."
    body = make_body({"type": "invalid_prompt", "message": message, "details": "Node ID '#a/b'"})
    assert list_refusals(body) == [
        FieldError(detail=message, pointer="/workflow/a~1b", node_id="a/b")
    ]


def test_a_cycle_gives_no_facts_at_all() -> None:
    """3."""
    body = make_body(FAILED)
    assert list_refusals(body) == []
    assert "cycle" in describe_refusal(body)


def test_the_fence_answers_as_if_there_were_no_prompt() -> None:
    assert is_attempt_seen(make_body({"type": "no_prompt", "message": "No prompt provided"}))
    assert not is_attempt_seen(make_body(FAILED))


@pytest.mark.parametrize("body", [None, [], {"error": "text"}, {"node_errors": {"3": []}}])
def test_odd_bodies_are_refusals_too(body: object) -> None:
    assert list_refusals(body) == []
    assert describe_refusal(body)


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        (
            "cannot identify image file '/srv/comfyui/input/a.txt'\n",
            "cannot identify image file '…/a.txt'",
        ),
        (r"No such file: C:\Users\bob\ComfyUI\input\a.png", "No such file: …/a.png"),
        ("ckpt_name: 'x' not in ['a.safetensors', 'b.safetensors']", "ckpt_name: 'x' not in […]"),
        ("one of ('a', 'b')", "one of […]"),
        ("choices: {'a': 1, 'b': 2}", "choices: […]"),
        ("use 'a', 'b', 'c'", "use …"),
        ("found one.png, two.png, three.png", "…"),
        ("expected input[1, 16, 8, 8] to have 4", "expected input[1, 16, 8, 8] to have 4"),
        ("'int' object is not subscriptable", "'int' object is not subscriptable"),
        ("commonpath: /srv\n", "commonpath: …/srv"),
        ("it's 3/4 done and/or late", "it's 3/4 done and/or late"),
    ],
)
def test_texts_lose_paths_and_listings(text: str, redacted: str) -> None:
    assert redact(text) == redacted


def test_texts_are_short() -> None:
    assert len(redact("a" * 10_000_000)) == 500
    assert len(redact("['" + "a', '" * 1000)) < 500
