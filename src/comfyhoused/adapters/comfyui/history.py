"""How a run ended: one entry of GET /history/{prompt_id}."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from comfyhoused.adapters.comfyui.documents import (
    EMPTY,
    find_list,
    find_mapping,
    find_text,
    list_texts,
)
from comfyhoused.adapters.comfyui.redaction import redact

_MEMORY_WORDS = ("out of memory", "allocate memory", "outofmemory")
_MAX_TEXT_CHARACTERS = 100_000


class OutcomeStatus(StrEnum):
    """How a run ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class OutputRef:
    """A file that a node left on the server. `kind`: images, latents, gifs, audio, …

    `type` is the folder: output, temp (gone after a restart) or input.
    """

    node_id: str
    kind: str
    filename: str
    subfolder: str
    type: str
    animated: bool = False


@dataclass(frozen=True, slots=True)
class OutputText:
    """A text that a node showed."""

    node_id: str
    text: str


@dataclass(frozen=True, slots=True)
class ExecutionFailure:
    """What a node died of, without traceback, inputs, paths and listings."""

    node_id: str
    class_type: str
    exception_type: str
    message: str

    @property
    def is_out_of_memory(self) -> bool:
        """Whether the server lacked memory: another one, or a later try, may succeed."""
        text = f"{self.exception_type} {self.message}".lower()
        return any(words in text for words in _MEMORY_WORDS)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of one run.

    A failed or interrupted run keeps the outputs of the nodes that were done (12). `executed`
    is known only for those; `cached` always. Times are the server's own clock, in milliseconds.
    """

    status: OutcomeStatus
    outputs: tuple[OutputRef, ...] = ()
    texts: tuple[OutputText, ...] = ()
    error: ExecutionFailure | None = None
    executed: tuple[str, ...] = ()
    cached: tuple[str, ...] = ()
    started_at_ms: int | None = None
    ended_at_ms: int | None = None


def parse_history(document: object, prompt_id: str) -> Outcome | None:
    """Return the outcome of one prompt; None where the history does not know it.

    Pending, running, deleted and unknown prompts look the same: an empty object (9).
    """
    entry = find_mapping(document, prompt_id)
    return parse_entry(entry) if entry else None


def parse_entry(entry: Mapping[str, object]) -> Outcome:
    """Return the outcome that one history entry describes."""
    status = find_mapping(entry, "status")
    messages = dict(_iterate_messages(status))
    outputs = find_mapping(entry, "outputs")
    end = next((messages[name] for name in _ENDINGS if name in messages), EMPTY)
    return Outcome(
        status=_find_status(status, messages, has_outputs=bool(outputs)),
        outputs=tuple(_iterate_files(outputs)),
        texts=tuple(_iterate_texts(outputs)),
        error=_find_failure(messages.get("execution_error")),
        executed=list_texts(end.get("executed")),
        cached=list_texts(messages.get("execution_cached", EMPTY).get("nodes")),
        started_at_ms=_find_timestamp(messages.get("execution_start", EMPTY)),
        ended_at_ms=_find_timestamp(end),
    )


_ENDINGS = ("execution_error", "execution_interrupted", "execution_success")


def _iterate_messages(
    status: Mapping[str, object],
) -> Iterator[tuple[str, Mapping[str, object]]]:
    for message in find_list(status, "messages"):
        match message:
            case [str(name), dict(data)]:
                yield name, data


def _find_status(
    status: Mapping[str, object], messages: Mapping[str, object], *, has_outputs: bool
) -> OutcomeStatus:
    """An interrupted run says "error", like a failed one; only its last message tells (12)."""
    if "execution_interrupted" in messages:
        return OutcomeStatus.INTERRUPTED
    if "execution_error" in messages:
        return OutcomeStatus.FAILED
    if find_text(status, "status_str") == "success" or (not status and has_outputs):
        return OutcomeStatus.SUCCEEDED
    return OutcomeStatus.FAILED


def _iterate_files(outputs: Mapping[str, object]) -> Iterator[OutputRef]:
    for node_id, output in outputs.items():
        if not isinstance(output, dict):
            continue
        flags = find_list(output, "animated")
        for kind, items in output.items():
            for index, item in enumerate(items if isinstance(items, list) else []):
                filename = find_text(item, "filename")
                if filename:
                    animated = bool(flags and flags[min(index, len(flags) - 1)])
                    folder = find_text(item, "subfolder") or ""
                    place = find_text(item, "type") or "output"
                    yield OutputRef(node_id, kind, filename, folder, place, animated)


def _iterate_texts(outputs: Mapping[str, object]) -> Iterator[OutputText]:
    for node_id, output in outputs.items():
        for text in list_texts(output.get("text") if isinstance(output, dict) else None):
            yield OutputText(node_id, text[:_MAX_TEXT_CHARACTERS])


def _find_failure(data: Mapping[str, object] | None) -> ExecutionFailure | None:
    if data is None:
        return None
    return ExecutionFailure(
        node_id=str(data.get("node_id") or ""),
        class_type=find_text(data, "node_type") or "",
        exception_type=redact(find_text(data, "exception_type") or "Exception", 100),
        message=redact(find_text(data, "exception_message") or ""),
    )


def _find_timestamp(data: Mapping[str, object]) -> int | None:
    value = data.get("timestamp")
    return int(value) if isinstance(value, int | float) else None
