"""A dead queue worker is told from a busy one."""

from dataclasses import dataclass, field

import pytest

from comfyhoused.adapters.comfyui.health import ProgressWatch, SignOfDeath
from comfyhoused.adapters.comfyui.look import Queue, QueueItem, parse_queue

OURS = "worker-1"


@dataclass
class Heard:
    """What a socket would have heard."""

    client_id: str = OURS
    connected_since: float | None = 0.0
    last_frame_at: float | None = 100.0
    named_at: dict[str, float] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)

    def find_last_heard_at(self, prompt_id: str) -> float | None:
        return self.named_at.get(prompt_id)

    def has_heard_end(self, prompt_id: str) -> bool:
        return prompt_id in self.ended


def make_queue(running: str = "", pending: str = "", client_id: str | None = OURS) -> Queue:
    """One letter is one prompt."""
    return Queue(
        tuple(QueueItem(letter, client_id, letter) for letter in running),
        tuple(QueueItem(letter, client_id, letter) for letter in pending),
    )


def observe(watch: ProgressWatch, queue: Queue, heard: Heard, *instants: float) -> None:
    for now in instants:
        watch.observe(queue, heard, now)


def test_a_prompt_that_never_starts_is_a_sign() -> None:
    """7: a stray node kills the worker before execution_start."""
    watch = ProgressWatch()
    watch.note_submitted("a", 1)
    observe(watch, make_queue("a"), Heard(), 2, 6, 11)
    assert not watch.is_worker_dead()
    observe(watch, make_queue("a", "b"), Heard(), 12)
    assert watch.find_sign() is SignOfDeath.NEVER_STARTED


def test_two_looks_are_not_enough() -> None:
    watch = ProgressWatch()
    watch.note_submitted("a", 1)
    observe(watch, make_queue("a"), Heard(), 2, 60)
    assert not watch.is_worker_dead()


def test_a_long_silent_node_is_no_sign() -> None:
    watch = ProgressWatch()
    watch.note_submitted("a", 1)
    observe(watch, make_queue("a", "b"), Heard(named_at={"a": 2}), 3, 60, 600, 3600)
    assert not watch.is_worker_dead()


@pytest.mark.parametrize(
    "heard",
    [
        Heard(connected_since=None),
        Heard(connected_since=1.5),
        Heard(last_frame_at=None),
        Heard(last_frame_at=0.5),
        Heard(client_id="another"),
    ],
)
def test_who_cannot_hear_judges_nothing(heard: Heard) -> None:
    """17, 20, 21: not connected, connected too late, deaf, or not the one who queued it."""
    watch = ProgressWatch()
    watch.note_submitted("a", 1)
    observe(watch, make_queue("a"), heard, 2, 12, 60)
    assert not watch.is_worker_dead()


def test_a_prompt_of_unknown_age_is_no_sign() -> None:
    """It may have started before we were there to hear it."""
    watch = ProgressWatch()
    observe(watch, make_queue("a"), Heard(), 2, 12, 60)
    assert not watch.is_worker_dead()


def test_a_prompt_seen_waiting_has_a_known_age() -> None:
    watch = ProgressWatch()
    observe(watch, make_queue("x", "a"), Heard(named_at={"x": 1}), 2)
    observe(watch, make_queue("a"), Heard(), 3, 8, 13)
    assert watch.find_sign() is SignOfDeath.NEVER_STARTED


def test_nothing_runs_though_prompts_wait() -> None:
    """7: restart/same-number-same-prompt_id: running empty, pending stays."""
    watch = ProgressWatch()
    observe(watch, make_queue("", "abc", client_id=None), Heard(), 1, 2, 6, 11)
    assert watch.find_sign() is SignOfDeath.NOTHING_TAKEN


def test_prompts_that_leave_are_progress() -> None:
    """A look may fall between two runs, again and again."""
    watch = ProgressWatch()
    observe(watch, make_queue("", "abc"), Heard(), 1)
    observe(watch, make_queue("", "bcd"), Heard(), 6)
    observe(watch, make_queue("", "cde"), Heard(), 11)
    observe(watch, make_queue("", "de"), Heard(), 16)
    assert not watch.is_worker_dead()


def test_a_prompt_that_ended_must_leave_the_queue() -> None:
    watch = ProgressWatch()
    observe(watch, make_queue("a"), Heard(named_at={"a": 1}, ended={"a"}), 2, 6, 12)
    assert watch.find_sign() is SignOfDeath.NEVER_LEFT


def test_an_interrupt_without_effect_is_a_sign_after_long() -> None:
    """24: it takes effect at the next step or node, which was up to 7 s."""
    watch = ProgressWatch()
    watch.note_interrupted("a")
    observe(watch, make_queue("a"), Heard(named_at={"a": 1}), 2, 60, 121)
    assert not watch.is_worker_dead()
    observe(watch, make_queue("a"), Heard(named_at={"a": 1}), 122)
    assert watch.find_sign() is SignOfDeath.UNSTOPPABLE


def test_a_step_after_the_interrupt_counts_anew() -> None:
    watch = ProgressWatch()
    watch.note_interrupted("a")
    observe(watch, make_queue("a"), Heard(named_at={"a": 1}), 2, 60, 121)
    observe(watch, make_queue("a"), Heard(named_at={"a": 121}), 122, 180)
    assert not watch.is_worker_dead()


def test_a_server_that_recovers_is_alive_again() -> None:
    watch = ProgressWatch()
    watch.note_submitted("a", 1)
    observe(watch, make_queue("a"), Heard(), 2, 7, 12)
    assert watch.is_worker_dead()
    observe(watch, make_queue(), Heard(), 13)
    assert not watch.is_worker_dead()


def test_the_queue_is_read_without_prompts_and_secrets() -> None:
    """10: [number, prompt_id, prompt, extra_data, outputs]; newer servers add columns."""
    extra = {"client_id": "c", "api_key_comfy_org": "SECRET", "comfyhouse": {"attempt": "a"}}
    queue = parse_queue(
        {
            "queue_running": [[1, "p", {}, extra, ["2"], {}]],
            "queue_pending": [[2, "q", {}, {}, []], [3, "r"], [4, 5, {}], None, []],
        }
    )
    assert queue.running == (QueueItem("p", "c", "a"),)
    assert queue.pending == (QueueItem("q", None, None), QueueItem("r", None, None))
    assert "SECRET" not in repr(queue)
    assert parse_queue(None) == Queue((), ())
