"""The fence lets each attempt through once, and breaks on no body whatever."""

import json
import sys
import threading
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfyhouse_nodes.fence import Fence

GRAPH = {"1": {"class_type": "EmptyImage", "inputs": {}}}


def make_body(attempt: object, **more: object) -> dict[str, object]:
    return {"prompt": GRAPH, "extra_data": {"comfyhouse": {"attempt": attempt}}, **more}


def test_first_body_of_an_attempt_is_untouched() -> None:
    body = make_body("a1", prompt_id="p1", client_id="c1")

    assert Fence().admit(body) is body
    assert body["prompt"] == GRAPH


def test_second_body_loses_its_prompt_and_nothing_else() -> None:
    fence = Fence()
    fence.admit(make_body("a1"))
    again = make_body("a1", prompt_id="other", client_id="c2")

    admitted = fence.admit(again)

    assert admitted == {key: value for key, value in again.items() if key != "prompt"}
    assert "prompt" in again, "the caller's own body must not be changed"
    assert fence.refused_count == 1


def test_another_attempt_passes() -> None:
    fence = Fence()
    fence.admit(make_body("a1"))

    assert "prompt" in fence.admit(make_body("a2"))


def test_body_without_a_prompt_closes_its_attempt() -> None:
    """A late copy of the real body is refused: a canceled job cannot start behind our back."""
    fence = Fence()
    fence.admit({"extra_data": {"comfyhouse": {"attempt": "a1"}}})

    assert "prompt" not in fence.admit(make_body("a1"))


@pytest.mark.parametrize(
    "extra_data",
    [
        None,
        [],
        "x",
        {},
        {"comfyhouse": None},
        {"comfyhouse": ["attempt"]},
        {"comfyhouse": {}},
        {"comfyhouse": {"attempt": None}},
        {"comfyhouse": {"attempt": 7}},
        {"comfyhouse": {"attempt": ""}},
        {"comfyhouse": {"attempt": ["a1"]}},
        {"other": {"attempt": "a1"}},
    ],
)
def test_unmarked_bodies_pass_as_often_as_they_come(extra_data: object) -> None:
    fence = Fence()
    body = {"prompt": GRAPH, "extra_data": extra_data}

    assert [fence.admit(body) is body for _ in range(3)] == [True, True, True]
    assert fence.refused_count == 0


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["prompt", "extra_data", "comfyhouse", "attempt", "x"]), inner
        )
    ),
    max_leaves=12,
)


@given(json_values)
def test_no_body_breaks_it(body: object) -> None:
    fence = Fence()

    assert fence.admit(body) is body
    fence.admit(body)


def test_lone_surrogates_are_an_id_like_any_other() -> None:
    fence = Fence()
    body = json.loads('{"prompt": {}, "extra_data": {"comfyhouse": {"attempt": "\\ud800"}}}')

    assert "prompt" in fence.admit(body)
    assert "prompt" not in fence.admit(body)


def test_memory_is_bounded_and_forgets_the_oldest() -> None:
    fence = Fence(capacity=3)
    for attempt in ["a", "b", "c", "d"]:
        fence.admit(make_body(attempt))

    assert "prompt" not in fence.admit(make_body("d"))
    assert "prompt" not in fence.admit(make_body("b"))
    assert "prompt" in fence.admit(make_body("a")), "the oldest of four was forgotten"


def test_an_attempt_sent_again_counts_as_new_in_memory() -> None:
    fence = Fence(capacity=2)
    for attempt in ["a", "b", "a", "c"]:
        fence.admit(make_body(attempt))

    assert "prompt" not in fence.admit(make_body("a"))


def test_a_fence_without_memory_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Fence(capacity=0)


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """Let threads interrupt each other as often as the interpreter can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("hasty_threads")
def test_of_many_threads_exactly_one_gets_through() -> None:
    fence = Fence()
    attempts = [f"a{index}" for index in range(200)]
    passed: list[str] = []
    barrier = threading.Barrier(8)

    def post_all() -> None:
        barrier.wait()
        passed.extend(name for name in attempts if "prompt" in fence.admit(make_body(name)))

    threads = [threading.Thread(target=post_all) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Counter(passed) == Counter(attempts)
    assert fence.refused_count == 7 * len(attempts)
