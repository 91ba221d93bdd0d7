"""Checks a prompt before it is queued, with the error bodies of ComfyUI 0.3.64.

Only what the outputs need is checked, and a prompt is accepted when at least one output is valid.
Recorded in http/300-341; what is *not* checked there is not checked here either.
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from typing import Any

from comfyhouse_engine.execution.failures import format_traceback, type_name
from comfyhouse_engine.execution.graph import (
    Declarations,
    Graph,
    InputSpec,
    NodeClasses,
    is_output_class,
)
from comfyhouse_engine.execution.own_validation import OwnValidation
from comfyhouse_engine.execution.problems import (
    Problem,
    inner_failure,
    input_problem,
    make_problem,
    missing_input,
    type_mismatch,
)
from comfyhouse_engine.execution.scalars import check_scalar, is_compatible


@dataclass(frozen=True)
class Validation:
    """`outputs` are the valid output nodes in prompt order; `error` is set when there is none."""

    outputs: list[str]
    error: Problem | None
    node_errors: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Verdict:
    is_valid: bool
    problems: list[Problem]


def validate_prompt(
    graph: Graph, classes: NodeClasses, targets: Container[str] | None
) -> Validation:
    """Check `graph`; `targets` (if any) limits which output nodes count.

    Links and scalars are checked, scalars are converted in place. Input that is no graph at all
    raises TypeError or KeyError, which the server answers with its plain 500, as recorded.
    """
    error = _find_unknown_node(graph, classes)
    if error:
        return Validation([], error)
    wanted = [
        node_id
        for node_id, node in graph.items()
        if is_output_class(classes[node["class_type"]]) and (targets is None or node_id in targets)
    ]
    if not wanted:
        return Validation([], make_problem("prompt_no_outputs", "Prompt has no outputs"))
    return _Checker(graph, classes).check_outputs(wanted)


def _find_unknown_node(graph: Graph, classes: NodeClasses) -> Problem | None:
    for node_id in graph:
        if "class_type" not in graph[node_id]:
            message = "Cannot execute because a node is missing the class_type property."
            return make_problem("invalid_prompt", message, f"Node ID '#{node_id}'")
        class_type = graph[node_id]["class_type"]
        if class_type not in classes:
            message = f"Cannot execute because node {class_type} does not exist."
            return make_problem("invalid_prompt", message, f"Node ID '#{node_id}'")
    return None


class _Checker:
    """One pass over a graph; remembers a verdict per node."""

    def __init__(self, graph: Graph, classes: NodeClasses) -> None:
        self._graph = graph
        self._classes = classes
        self._declarations = Declarations()
        self._verdicts: dict[str, _Verdict] = {}
        self._open: set[str] = set()

    def check_outputs(self, wanted: Sequence[str]) -> Validation:
        good: list[str] = []
        details: list[str] = []
        node_errors: dict[str, Any] = {}
        for output in wanted:
            verdict = self._check_output(output)
            if verdict.is_valid:
                good.append(output)
                continue
            details += [
                f"{problem['message']}: {problem['details']}" for problem in verdict.problems
            ]
            self._report(output, node_errors)
        if good:
            return Validation(good, None, node_errors)
        message = "Prompt outputs failed validation"
        kind = "prompt_outputs_failed_validation"
        return Validation([], make_problem(kind, message, "\n".join(details)), node_errors)

    def _report(self, output: str, node_errors: dict[str, Any]) -> None:
        """Note every node with problems of its own as standing in the way of `output`."""
        for node_id, verdict in self._verdicts.items():
            if verdict.is_valid or not verdict.problems:
                continue
            entry = node_errors.setdefault(
                node_id,
                {
                    "errors": verdict.problems,
                    "dependent_outputs": [],
                    "class_type": self._graph[node_id]["class_type"],
                },
            )
            entry["dependent_outputs"].append(output)

    def _check_output(self, output: str) -> _Verdict:
        try:
            return self._check_node(output)
        except Exception as error:  # noqa: BLE001 - border: nodes are other people's code
            problem = make_problem(
                "exception_during_validation",
                "Exception when validating node",
                str(error),
                exception_type=type_name(error),
                traceback=format_traceback(error),
            )
            return self._settle(output, _Verdict(False, [problem]))

    def _settle(self, node_id: str, verdict: _Verdict) -> _Verdict:
        self._verdicts[node_id] = verdict
        return verdict

    def _check_node(self, node_id: str) -> _Verdict:
        if node_id in self._verdicts:
            return self._verdicts[node_id]
        if node_id in self._open:
            # ComfyUI recurses until the stack is full and loses the reason on the way back up, so
            # a cycle is refused without any error (http/323).
            return _Verdict(False, [])
        self._open.add(node_id)
        try:
            return self._settle(node_id, self._inspect_node(node_id))
        finally:
            self._open.discard(node_id)

    def _inspect_node(self, node_id: str) -> _Verdict:
        inputs = self._graph[node_id]["inputs"]
        node_class = self._classes[self._graph[node_id]["class_type"]]
        own = OwnValidation(node_class)
        problems: list[Problem] = []
        is_valid = True
        for spec in self._declarations.inputs(node_class).values():
            if spec.name not in inputs:
                if spec.category == "required":
                    problems.append(missing_input(spec))
            elif isinstance(inputs[spec.name], list):
                found = self._check_link(spec, inputs[spec.name], own)
                is_valid = is_valid and found is not None
                problems += found or []
            else:
                problems += check_scalar(spec, inputs, own)
        problems += own.run(inputs)
        return _Verdict(is_valid and not problems, problems)

    def _check_link(
        self, spec: InputSpec, link: list[Any], own: "OwnValidation"
    ) -> list[Problem] | None:
        """Return this link's problems, None when the fault lies further up."""
        if len(link) != 2:
            message = "Bad linked input, must be a length-2 list of [node_id, slot_index]"
            return [
                input_problem("bad_linked_input", message, spec.name, spec, received_value=link)
            ]
        source_id, slot = link
        source_class: Any = self._classes[self._graph[source_id]["class_type"]]
        received = source_class.RETURN_TYPES[slot]
        own.received_types[spec.name] = received
        if not own.checks_types and not is_compatible(received, spec.kind):
            return [type_mismatch(spec, received, link)]
        try:
            return [] if self._check_node(source_id).is_valid else None
        except Exception as error:  # noqa: BLE001 - border: nodes are other people's code
            self._settle(source_id, _Verdict(False, [inner_failure(spec, link, error)]))
            return None
