"""Does the server's queue worker still work? Judged by progress: HTTP goes on answering when the
worker thread has died (7), and `queue_running` then shows one prompt for ever.

The worker is taken for dead when one of these signs is seen in at least three looks on end, the
first and the last of them `patience_seconds` apart:

* nothing runs though prompts wait, and none of them leaves (a living worker takes the next one
  within half a second);
* a prompt of ours is said to run, but no frame ever named it, although our socket has been
  connected since before it could run and does hear of the queue (a living worker sends
  `execution_start` first; a socket that hears nothing at all may be deaf, 21);
* a prompt of ours is said to run after a frame told its end (`executing null` and the entry into
  the history follow within half a second);

or, with more patience:

* for `start_patience_seconds` a prompt of ours has sent nothing after `execution_start`
  (`execution_cached` follows at once, unless the inputs' files take long to hash; a stray node
  kills the worker just there);
* for `interrupt_patience_seconds` a prompt of ours has neither ended nor sent a frame although we
  interrupted it.

Silence alone is no sign: one node may load a model for minutes. Prompts of other clients send us
no frames; for them there is only the first sign. Instants are `time.monotonic()`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from comfyhoused.adapters.comfyui.look import Queue

_FEWEST_LOOKS = 3
_MEMORY_SECONDS = 60.0


class Phase(StrEnum):
    """What the last frame about a prompt said of it."""

    STARTED = "started"
    GOING = "going"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Heard:
    """The last that was heard of a prompt."""

    at: float
    phase: Phase


class Hearing(Protocol):
    """What a socket has heard; FrameSocket is one."""

    @property
    def client_id(self) -> str: ...
    @property
    def connected_since(self) -> float | None: ...
    @property
    def last_frame_at(self) -> float | None: ...
    def find_heard(self, prompt_id: str) -> Heard | None: ...


class SignOfDeath(StrEnum):
    """Why the worker seems to be dead."""

    NOTHING_TAKEN = "prompts wait, but the server runs none"
    NEVER_STARTED = "a prompt is said to run, but never started"
    NEVER_GOT_GOING = "a prompt started, but went no further"
    NEVER_LEFT = "a prompt is said to run after its end"
    UNSTOPPABLE = "a prompt goes on in silence after it was interrupted"


@dataclass(frozen=True, slots=True)
class _Sighting:
    first_at: float
    last_at: float
    looks: int


class ProgressWatch:
    """Fed with looks at one server's queue; does no IO of its own."""

    def __init__(
        self,
        *,
        patience_seconds: float = 10.0,
        start_patience_seconds: float = 60.0,
        interrupt_patience_seconds: float = 120.0,
    ) -> None:
        self._patience = dict.fromkeys(SignOfDeath, patience_seconds) | {
            SignOfDeath.NEVER_GOT_GOING: start_patience_seconds,
            SignOfDeath.UNSTOPPABLE: interrupt_patience_seconds,
        }
        self._sightings: dict[tuple[SignOfDeath, str], _Sighting] = {}
        self._waiting_at: dict[str, float] = {}
        self._interrupted: set[str] = set()
        self._waiting: set[str] = set()

    def note_submitted(self, prompt_id: str, now: float) -> None:
        """We are about to queue this prompt, so it does not run yet."""
        self._waiting_at[prompt_id] = now

    def note_interrupted(self, prompt_id: str) -> None:
        """We asked the server to stop this prompt, which it said it runs."""
        self._interrupted.add(prompt_id)

    def observe(self, queue: Queue, hearing: Hearing, now: float) -> None:
        """Take in one look at the queue."""
        signs = set(self._iterate_signs(queue, hearing))
        before = self._sightings
        self._sightings = {
            sign: _Sighting(
                before[sign].first_at if sign in before else now,
                now,
                before[sign].looks + 1 if sign in before else 1,
            )
            for sign in signs
        }
        self._remember(queue, now)

    def find_sign(self) -> SignOfDeath | None:
        """Return why the worker must be dead, or None while it need not be."""
        for (sign, _), seen in self._sightings.items():
            seconds = seen.last_at - seen.first_at
            if seen.looks >= _FEWEST_LOOKS and seconds >= self._patience[sign]:
                return sign
        return None

    def is_worker_dead(self) -> bool:
        """Tell whether the queue worker must be dead, as far as the looks go."""
        return self.find_sign() is not None

    def _iterate_signs(self, queue: Queue, hearing: Hearing) -> Iterator[tuple[SignOfDeath, str]]:
        waiting = {item.prompt_id for item in queue.pending}
        if waiting and not queue.running and self._waiting <= waiting:
            yield SignOfDeath.NOTHING_TAKEN, ""
        for item in queue.running:
            if item.client_id != hearing.client_id:
                continue
            yield from self._iterate_prompt_signs(item.prompt_id, hearing)

    def _iterate_prompt_signs(
        self, prompt_id: str, hearing: Hearing
    ) -> Iterator[tuple[SignOfDeath, str]]:
        heard = hearing.find_heard(prompt_id)
        if heard is None and self._should_have_heard(prompt_id, hearing):
            yield SignOfDeath.NEVER_STARTED, prompt_id
        if heard is not None and heard.phase is Phase.STARTED:
            yield SignOfDeath.NEVER_GOT_GOING, prompt_id
        if heard is not None and heard.phase is Phase.ENDED:
            yield SignOfDeath.NEVER_LEFT, prompt_id
        if prompt_id in self._interrupted:
            # A frame makes it another sighting, so the patience begins anew.
            yield SignOfDeath.UNSTOPPABLE, f"{prompt_id} {heard}"

    def _should_have_heard(self, prompt_id: str, hearing: Hearing) -> bool:
        """Frames missed while the socket was away are never sent again (17, 20)."""
        waiting_at = self._waiting_at.get(prompt_id)
        since, heard_at = hearing.connected_since, hearing.last_frame_at
        if waiting_at is None or since is None or heard_at is None:
            return False
        return since <= waiting_at <= heard_at

    def _remember(self, queue: Queue, now: float) -> None:
        running = {item.prompt_id for item in queue.running}
        self._waiting = {item.prompt_id for item in queue.pending}
        # What is in neither may have been submitted after this look was taken.
        kept = {
            key: at
            for key, at in self._waiting_at.items()
            if key in running or now - at < _MEMORY_SECONDS
        }
        self._waiting_at = kept | dict.fromkeys(self._waiting - running, now)
        self._interrupted &= running | self._waiting
