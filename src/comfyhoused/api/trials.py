"""The header `Comfyhouse-Test`: every failure a client must handle, when it asks for it.

Test keys only. The code of an error is answered as that error; what a job can come to is tried
out for real, on the sandbox, by the magic words of its painter.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from comfyhoused.api.key_secrets import KeyMode
from comfyhoused.api.known_errors import find_error_class
from comfyhoused.api.proposals.proposal import Proposal
from comfyhoused.core.workflows.graph import Graph, Node, Workflow
from comfyhoused.kit.errors import (
    ComfyhouseError,
    Forbidden,
    Unprocessable,
)

HEADER = "Comfyhouse-Test"
CANCELED = "job_canceled"

_TEXT_INPUTS = ("text", "text_g", "text_l", "clip_l", "t5xxl")
_RETRYABLE = (429, 502, 503)


@dataclass(frozen=True, slots=True)
class Trial:
    """What is done to a job: the word its prompt gets, and how long it may run."""

    word: str
    timeout_seconds: int | None = None


#: What a job can be made to come to.
TRIALS: Mapping[str, Trial] = {
    "node_failed": Trial("sandbox:fail"),
    "out_of_memory": Trial("sandbox:out-of-memory"),
    "job_timed_out": Trial("sandbox:hang", timeout_seconds=1),
    CANCELED: Trial("sandbox:hang"),
    "slow": Trial("sandbox:slow"),
}


class TrialNeedsTestKey(Forbidden):
    """`Comfyhouse-Test` was sent with a live key: failures are tried out in test mode only."""

    code = "test_key_needed"
    title = "That needs a test key"


class TrialUnknown(Unprocessable):
    """`Comfyhouse-Test` names nothing that can be tried out."""

    code = "trial_unknown"
    title = "That cannot be tried out"


def read_trial(mode: KeyMode, code: str | None) -> str:
    """Return what is to be tried on a job, '' for nothing; raises the error that is asked for."""
    if not code:
        return ""
    if mode != "test":
        raise TrialNeedsTestKey(f"Send {HEADER} with a key that begins with sk_test_.")
    if code in TRIALS:
        return code
    raise _make_error(code)


def try_on(proposal: Proposal, trial: str) -> Proposal:
    """Return the proposal of a job that comes to what is tried; raises TrialUnknown."""
    if not trial:
        return proposal
    order = TRIALS[trial]
    request = proposal.request
    if order.timeout_seconds is not None:
        request = request.model_copy(update={"timeout_seconds": order.timeout_seconds})
    workflow = Workflow(_add_word(proposal.workflow.graph, order.word))
    return replace(proposal, request=request, workflow=workflow)


def _add_word(graph: Graph, word: str) -> Graph:
    changed = {node_id: _add_to_node(node, word) for node_id, node in graph.items()}
    if changed == graph:
        raise TrialUnknown("This job has no prompt, and it is a prompt that carries the order.")
    return changed


def _add_to_node(node: Node, word: str) -> Node:
    texts = {
        name: f"{value} {word}"
        for name, value in node["inputs"].items()
        if name in _TEXT_INPUTS and isinstance(value, str)
    }
    return Node(class_type=node["class_type"], inputs={**node["inputs"], **texts})


def _make_error(code: str) -> ComfyhouseError:
    kind = find_error_class(code)
    if kind is None:
        return TrialUnknown(f"Name an error of docs/errors.md, or one of {', '.join(TRIALS)}.")
    headers = {"Retry-After": "1"} if kind.status in _RETRYABLE else {}
    error = kind.__new__(kind)
    # As the class says, without what its own constructor would have to be told.
    ComfyhouseError.__init__(error, f"The header {HEADER} asked for this.", headers=headers)
    return error
