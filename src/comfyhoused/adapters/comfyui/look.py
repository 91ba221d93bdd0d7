"""Where a prompt stands on the server: the queue, and what one look finds."""

from collections.abc import Iterator
from dataclasses import dataclass

from comfyhoused.adapters.comfyui.documents import find_list, find_mapping, find_text
from comfyhoused.adapters.comfyui.history import Outcome


@dataclass(frozen=True, slots=True)
class QueueItem:
    """One prompt in the queue. `client_id` and `attempt` are None where it is not ours."""

    prompt_id: str
    client_id: str | None
    attempt: str | None


@dataclass(frozen=True, slots=True)
class Queue:
    """Everybody's prompts; `pending` is in no useful order (10)."""

    running: tuple[QueueItem, ...]
    pending: tuple[QueueItem, ...]


@dataclass(frozen=True, slots=True)
class Pending:
    """It waits. `copies` = how often the id is in the queue: there is no duplicate check (1)."""

    copies: int = 1


@dataclass(frozen=True, slots=True)
class Running:
    """It runs. `copies` counts the running one and those that wait."""

    copies: int = 1


@dataclass(frozen=True, slots=True)
class Finished:
    """It ended."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Absent:
    """The server does not know it: never came, was deleted, or was forgotten in a restart."""


Look = Pending | Running | Finished | Absent


def parse_queue(document: object) -> Queue:
    """Return the queue without the prompts and the secrets that GET /queue shows (10)."""
    return Queue(
        running=tuple(_iterate_items(find_list(document, "queue_running"))),
        pending=tuple(_iterate_items(find_list(document, "queue_pending"))),
    )


def find_in_queue(queue: Queue, prompt_id: str) -> Pending | Running | None:
    """Return where in the queue the prompt is, or None."""
    running = sum(item.prompt_id == prompt_id for item in queue.running)
    copies = running + sum(item.prompt_id == prompt_id for item in queue.pending)
    if running:
        return Running(copies)
    return Pending(copies) if copies else None


def _iterate_items(rows: list[object]) -> Iterator[QueueItem]:
    """Rows are [number, prompt_id, prompt, extra_data, outputs]; newer servers add columns."""
    for row in rows:
        match row:
            case [_, str(prompt_id), _, extra, *_]:
                ours = find_mapping(extra, "comfyhouse")
                yield QueueItem(
                    prompt_id, find_text(extra, "client_id"), find_text(ours, "attempt")
                )
            case [_, str(prompt_id), *_]:
                yield QueueItem(prompt_id, None, None)
