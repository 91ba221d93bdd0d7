"""The queue and the history: both live in memory and are gone after a restart.

The queue is a heap of tuples, as in ComfyUI: two items with the same number *and* the same prompt
id compare their graphs and break it (restart/same-number-same-prompt_id). Clients rely on nothing
of that, but they must survive it.
"""

import heapq
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from comfyhouse_engine.execution.graph import Graph

MAXIMUM_HISTORY = 10_000
_SECRETS = ("auth_token_comfy_org", "api_key_comfy_org")


class QueueItem(NamedTuple):
    """What GET /queue shows of a prompt."""

    number: float
    prompt_id: str
    graph: Graph
    extra_data: Any
    outputs: list[str]


@dataclass(frozen=True)
class RunReport:
    """How a run ended: messages for the status, and outputs and meta of the nodes with a show."""

    is_success: bool
    messages: list[tuple[str, dict[str, Any]]]
    outputs: dict[str, Any] = field(default_factory=dict)
    meta: dict[str, Any] = field(default_factory=dict)


@dataclass
class Flags:
    """What POST /free asked for."""

    unload_models: bool = False
    free_memory: bool = False


class PromptQueue:
    """Pending and running prompts, history, and the worker's alarm clock; thread-safe.

    `on_change` is called after each change, for the `status` frames.
    """

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._on_change = on_change
        self._lock = threading.RLock()
        self._work = threading.Condition(self._lock)
        self._pending: list[QueueItem] = []
        self._running: dict[int, QueueItem] = {}
        self._runs = 0
        self._history: dict[str, dict[str, Any]] = {}
        self._flags = Flags()

    def put(self, item: QueueItem) -> None:
        """Queue a prompt; raises TypeError when the heap cannot compare it, yet it is in then."""
        with self._lock:
            heapq.heappush(self._pending, item)
            self._on_change()
            self._work.notify()

    def take(self) -> tuple[int, QueueItem] | None:
        """Wait for work and mark it as running; None when only flags were set."""
        with self._lock:
            if not self._pending and not self._has_flags():
                self._work.wait()
            if not self._pending:
                return None
            item = heapq.heappop(self._pending)
            run = self._runs
            self._runs += 1
            self._running[run] = item
            self._on_change()
            return run, item

    def finish(self, run: int, report: RunReport) -> None:
        """Move a running prompt into the history."""
        with self._lock:
            item = self._running.pop(run)
            if len(self._history) > MAXIMUM_HISTORY:
                self._history.pop(next(iter(self._history)))
            self._history[item.prompt_id] = _make_entry(item, report)
            self._on_change()

    def count_remaining(self) -> int:
        """Return how many prompts run or wait."""
        return len(self._pending) + len(self._running)

    def list_current(self) -> tuple[list[QueueItem], list[QueueItem]]:
        """Return the running and the pending prompts; the pending ones in heap order."""
        with self._lock:
            return list(self._running.values()), list(self._pending)

    def is_running(self, prompt_id: object) -> bool:
        """True while a prompt with this id runs."""
        with self._lock:
            return any(item.prompt_id == prompt_id for item in self._running.values())

    def clear(self) -> None:
        """Drop all pending prompts."""
        with self._lock:
            self._pending = []
            self._on_change()

    def delete(self, prompt_id: object) -> None:
        """Drop one pending prompt with this id; nothing happens when there is none."""
        with self._lock:
            for index, item in enumerate(self._pending):
                if item.prompt_id == prompt_id:
                    del self._pending[index]
                    heapq.heapify(self._pending)
                    self._on_change()
                    return

    def set_flags(self, *, unload_models: bool, free_memory: bool) -> None:
        """Ask the worker to unload models or to forget cached results."""
        with self._lock:
            self._flags.unload_models |= unload_models
            self._flags.free_memory |= free_memory
            self._work.notify()

    def take_flags(self) -> Flags:
        """Return the flags and reset them."""
        with self._lock:
            flags, self._flags = self._flags, Flags()
            return flags

    def find_history(self, prompt_id: str) -> dict[str, Any]:
        """Return {prompt_id: entry}, or {} when it has not ended here."""
        with self._lock:
            entry = self._history.get(prompt_id)
            return {} if entry is None else {prompt_id: entry}

    def list_history(self, max_items: int | None, offset: int = -1) -> dict[str, Any]:
        """Return entries, oldest first: the newest `max_items`, or from `offset` on."""
        with self._lock:
            if offset < 0 and max_items is not None:
                offset = len(self._history) - max_items
            found: dict[str, Any] = {}
            for index, (prompt_id, entry) in enumerate(self._history.items()):
                if index < offset:
                    continue
                found[prompt_id] = entry
                if max_items is not None and len(found) >= max_items:
                    break
            return found

    def clear_history(self) -> None:
        """Forget all that has ended."""
        with self._lock:
            self._history.clear()

    def delete_history(self, prompt_id: str) -> None:
        """Forget one ended prompt."""
        with self._lock:
            self._history.pop(prompt_id, None)

    def _has_flags(self) -> bool:
        return self._flags.unload_models or self._flags.free_memory


def _make_entry(item: QueueItem, report: RunReport) -> dict[str, Any]:
    extra = item.extra_data
    if isinstance(extra, dict):
        extra = {key: value for key, value in extra.items() if key not in _SECRETS}
    return {
        "prompt": item._replace(extra_data=extra),
        "outputs": report.outputs,
        "status": {
            "status_str": "success" if report.is_success else "error",
            "completed": report.is_success,
            "messages": report.messages,
        },
        "meta": report.meta,
    }
