"""A dead queue worker is told from a busy one."""

from dataclasses import dataclass, field

import pytest

from comfyhoused.adapters.comfyui.health import Heard, Phase, ProgressWatch, SignOfDeath
from comfyhoused.adapters.comfyui.look import Queue, QueueItem, parse_queue

OURS = "worker-1"


@dataclass
class Ears:
    """What a socket would have heard."""

    client_id: str = OURS
    connected_since: float | None = 0.0
    last_frame_at: float | None = 100.0
    heard: dict[str, Heard] = field(default_factory=dict)

    def find_heard(self, prompt_id: str) -> Heard | None:
        return self.heard.get(prompt_id)


def make_ears(at: float, phase: Phase) -> Ears:
    """A frame about prompt a came."""
    return Ears(heard={"a": Heard(at, phase)})


def make_queue(running: str = "", pending: str = "", client_id: str | None = OURS) -> Queue:
    """One letter is one prompt."""
    return Queue(
        tuple(QueueItem(letter, client_id, letter) for letter in running),
        tuple(QueueItem(letter, client_id, letter) for letter in pending),
    )


def observe(watch: ProgressWatch, queue: Queue, ears: Ears, *instants: float) -> None:
    for now in instants:
        watch.observe(queue, ears, now)


def test_a_prompt_that_never_starts_is_a_sign() -> None:
    """7: `extra_data: null` kills the worker before execution_start."""
    watch = ProgressWatch()
    watch.note_submitted("a", 1)
    observe(watch, make_queue("a"), Ears(), 2, 6, 11)
    assert not watch.is_worker_dead()
    observe(watch, make_queue("a", "b"), Ears(), 12)
    assert watch.find_sign() is SignOfDeath.NEVER_STARTED


def test_a_prompt_that_starts_and_goes_no_further_is_a_sign_after_long() -> None:
    """7: a stray node kills the worker between execution_start and execution_cached."""
    watch = ProgressWatch()
    watch.note_submitted("a", 1)
    observe(watch, make_queue("a"), make_ears(2, Phase.STARTED), 3, 30, 62)
    assert not watch.is_worker_dead()
    observe(watch, make_queue("a"), make_ears(2, Phase.STARTED), 63)
    assert watch.find_sign() is SignOfDeath.NEVER_GOT_GOING


def test_two_looks_are_not_enough() -> None:
    watch = ProgressWatch()
    watch.note_submitted("a", 1)
    observe(watch, make_queue("a"), Ears(), 2, 60)
    assert not watch.is_worker_dead()


def test_a_long_silent_node_is_no_sign() -> None:
    watch = ProgressWatch()
    watch.note_submitted("a", 1)
    observe(watch, make_queue("a", "b"), make_ears(2, Phase.GOING), 3, 60, 600, 3600)
    assert not watch.is_worker_dead()


@pytest.mark.parametrize(
    "ears",
    [
        Ears(connected_since=None),
        Ears(connected_since=1.5),
        Ears(last_frame_at=None),
        Ears(last_frame_at=0.5),
        Ears(client_id="another"),
    ],
)
def test_who_cannot_hear_judges_nothing(ears: Ears) -> None:
    """17, 20, 21: not connected, connected too late, deaf, or not the one who queued it."""
    watch = ProgressWatch()
    watch.note_submitted("a", 1)
    observe(watch, make_queue("a"), ears, 2, 12, 60)
    assert not watch.is_worker_dead()


def test_a_prompt_of_unknown_age_is_no_sign() -> None:
    """It may have started before we were there to hear it."""
    watch = ProgressWatch()
    observe(watch, make_queue("a"), Ears(), 2, 12, 60)
    assert not watch.is_worker_dead()


def test_a_prompt_seen_waiting_has_a_known_age() -> None:
    watch = ProgressWatch()
    observe(watch, make_queue("x", "a"), Ears(), 2)
    observe(watch, make_queue("a"), Ears(), 3, 8, 13)
    assert watch.find_sign() is SignOfDeath.NEVER_STARTED


def test_nothing_runs_though_prompts_wait() -> None:
    """7: restart/same-number-same-prompt_id: running empty, pending stays."""
    watch = ProgressWatch()
    observe(watch, make_queue("", "abc", client_id=None), Ears(), 1, 2, 6, 11)
    assert watch.find_sign() is SignOfDeath.NOTHING_TAKEN


def test_prompts_that_leave_are_progress() -> None:
    """A look may fall between two runs, again and again."""
    watch = ProgressWatch()
    observe(watch, make_queue("", "abc"), Ears(), 1)
    observe(watch, make_queue("", "bcd"), Ears(), 6)
    observe(watch, make_queue("", "cde"), Ears(), 11)
    observe(watch, make_queue("", "de"), Ears(), 16)
    assert not watch.is_worker_dead()


def test_a_prompt_that_ended_must_leave_the_queue() -> None:
    watch = ProgressWatch()
    observe(watch, make_queue("a"), make_ears(1, Phase.ENDED), 2, 6, 12)
    assert watch.find_sign() is SignOfDeath.NEVER_LEFT


def test_an_interrupt_without_effect_is_a_sign_after_long() -> None:
    """24: it takes effect at the next step or node, which was up to 7 s."""
    watch = ProgressWatch()
    watch.note_interrupted("a")
    observe(watch, make_queue("a"), make_ears(1, Phase.GOING), 2, 60, 121)
    assert not watch.is_worker_dead()
    observe(watch, make_queue("a"), make_ears(1, Phase.GOING), 122)
    assert watch.find_sign() is SignOfDeath.UNSTOPPABLE


def test_a_step_after_the_interrupt_counts_anew() -> None:
    watch = ProgressWatch()
    watch.note_interrupted("a")
    observe(watch, make_queue("a"), make_ears(1, Phase.GOING), 2, 60, 121)
    observe(watch, make_queue("a"), make_ears(121, Phase.GOING), 122, 180)
    assert not watch.is_worker_dead()


def test_a_server_that_recovers_is_alive_again() -> None:
    watch = ProgressWatch()
    watch.note_submitted("a", 1)
    observe(watch, make_queue("a"), Ears(), 2, 7, 12)
    assert watch.is_worker_dead()
    observe(watch, make_queue(), Ears(), 13)
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
