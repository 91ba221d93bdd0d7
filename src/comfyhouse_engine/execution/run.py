"""Runs one prompt, node by node, in the executor thread."""

from dataclasses import dataclass
from typing import Any

from comfyhouse_engine.context import (
    Folders,
    InterruptProcessing,
    Preview,
    RunContext,
    entered,
)
from comfyhouse_engine.execution.cache import Kept, NodeCache, graph_signatures
from comfyhouse_engine.execution.calling import InputLists, NodeResult, collect, fan_out
from comfyhouse_engine.execution.failures import (
    OutOfMemoryError,
    SwitchedFailure,
    describe_error,
    describe_value,
    format_traceback,
    type_name,
)
from comfyhouse_engine.execution.frames import RunFrames
from comfyhouse_engine.execution.graph import (
    Declarations,
    Graph,
    NodeClasses,
)
from comfyhouse_engine.execution.inputs import InputSources
from comfyhouse_engine.execution.interrupt import Interrupt
from comfyhouse_engine.execution.order import DependencyCycle, RunOrder
from comfyhouse_engine.execution.queue import QueueItem, RunReport
from comfyhouse_engine.residence import rest, wait_while
from comfyhouse_engine.switches import Switches


@dataclass(frozen=True)
class Workshop:
    """What every run shares."""

    classes: NodeClasses
    folders: Folders
    switches: Switches
    interrupt: Interrupt
    cache: NodeCache
    allow_suicide: bool = False


class PromptRun:
    """One prompt on its way through the nodes."""

    def __init__(self, shop: Workshop, item: QueueItem, frames: RunFrames) -> None:
        self._shop = shop
        self._item = item
        self._frames = frames
        # Own copies: IS_CHANGED answers are written into the nodes, as PNG metadata shows them,
        # but GET /queue and the history show the prompt as it came.
        self._graph: Graph = {node_id: dict(node) for node_id, node in item.graph.items()}
        self._declarations = Declarations()
        self._sources = InputSources(self._graph, item.extra_data, shop.cache, self._declarations)
        self._executed: list[str] = []
        self._outputs: dict[str, Any] = {}
        self._meta: dict[str, Any] = {}
        self._inputs: InputLists = {}

    def execute(self) -> RunReport:
        """Run all nodes that the outputs need; node errors and interrupts end up in the report."""
        self._shop.interrupt.reset()
        prompt_id = self._item.prompt_id
        self._frames.tell("execution_start", {"prompt_id": prompt_id})
        cache = self._shop.cache
        cache.enter_graph(
            graph_signatures(self._graph, self._shop.classes, self._declarations, self._ask_changed)
        )
        cached = [node_id for node_id in self._graph if cache.find(node_id) is not None]
        self._frames.tell("execution_cached", {"nodes": cached, "prompt_id": prompt_id})
        try:
            is_success = self._run_nodes()
        finally:
            self._frames.end()
        if is_success:
            self._frames.tell("execution_success", {"prompt_id": prompt_id})
        return RunReport(is_success, self._frames.messages, self._outputs, self._meta)

    def _run_nodes(self) -> bool:
        order = RunOrder(
            self._graph,
            self._shop.classes,
            self._item.outputs,
            lambda node_id: self._shop.cache.find(node_id) is not None,
        )
        while True:
            try:
                node_id = order.take_next()
            except DependencyCycle as error:
                self._report_failure(error.node_id, error)
                return False
            if node_id is None:
                return True
            if not self._run_or_reuse(node_id):
                return False
            order.finish(node_id)

    def _run_or_reuse(self, node_id: str) -> bool:
        kept = self._shop.cache.find(node_id)
        if kept is not None:
            self._frames.show_output(node_id, kept.result.ui or None)
            self._remember(node_id, kept)
            self._frames.finish_node(node_id)
            return True
        try:
            self._run_node(node_id)
        except InterruptProcessing:
            self._report_interrupt(node_id)
            return False
        except Exception as error:  # noqa: BLE001 - border: nodes are other people's code
            self._report_failure(node_id, error)
            return False
        return True

    def _run_node(self, node_id: str) -> None:
        self._inputs = {}
        node_class: Any = self._class_of(node_id)
        self._frames.start_node(node_id)
        inputs = self._inputs = self._sources.gather(node_id, node_class)
        self._frames.tell_executing(node_id)
        with entered(self._make_context(node_id)) as context:
            self._apply_switches(node_id, context)
            results = fan_out(
                getattr(node_class(), node_class.FUNCTION),
                inputs,
                takes_lists=getattr(node_class, "INPUT_IS_LIST", False),
                before_each=self._shop.interrupt.check,
            )
        self._settle(node_id, collect(node_class, results))

    def _settle(self, node_id: str, result: NodeResult) -> None:
        kept = Kept(result, _make_meta(node_id) if result.ui else None)
        if result.ui:
            self._frames.show_output(node_id, result.ui)
        self._remember(node_id, kept)
        self._frames.finish_node(node_id)
        self._executed.append(node_id)
        self._shop.cache.keep(node_id, kept)

    def _remember(self, node_id: str, kept: Kept) -> None:
        if kept.meta is not None:
            self._outputs[node_id] = kept.result.ui
            self._meta[node_id] = kept.meta

    def _apply_switches(self, node_id: str, context: RunContext) -> None:
        switches = self._shop.switches
        names = (node_id, self._graph[node_id]["class_type"])
        if switches.node_seconds:
            rest(switches.node_seconds, context)
        wait_while(lambda: switches.hold_at_node in names, context)
        if switches.fail_at_node in names:
            raise SwitchedFailure(f"The switch fail_at_node asked for this at {names[1]}.")
        if switches.out_of_memory in names:
            raise OutOfMemoryError("Allocation on device")

    def _make_context(self, node_id: str) -> RunContext:
        frames = self._frames

        def report_progress(value: int, total: int, preview: Preview | None) -> None:
            self._shop.interrupt.check()
            frames.report_steps(node_id, value, total, preview)

        return RunContext(
            prompt_id=self._item.prompt_id,
            node_id=node_id,
            folders=self._shop.folders,
            check_interrupt=self._shop.interrupt.check,
            report_progress=report_progress,
            switches=self._shop.switches,
            send_text=lambda text: frames.send_text(node_id, text),
            send_image=lambda data, kind: frames.send_image(node_id, data, kind),
            allow_suicide=self._shop.allow_suicide,
        )

    def _class_of(self, node_id: str) -> Any:
        return self._shop.classes[self._graph[node_id]["class_type"]]

    def _ask_changed(self, node_id: str) -> object:
        """Return a node's IS_CHANGED answer; it sees constants only. An error means: changed."""
        node = self._graph[node_id]
        node_class: Any = self._class_of(node_id)
        ask = getattr(node_class, "IS_CHANGED", None)
        if ask is None:
            return False
        try:
            inputs = self._sources.gather_constants(node_id, node_class)
            with entered(self._make_context(node_id)):
                answers: Any = fan_out(ask, inputs, takes_lists=False, before_each=lambda: None)
        except Exception:  # noqa: BLE001 - border: nodes are other people's code
            answers = float("nan")
        node["is_changed"] = answers
        return answers

    def _report_interrupt(self, node_id: str) -> None:
        data = self._failure_head(node_id)
        self._frames.tell("execution_interrupted", data, to_all=True)

    def _report_failure(self, node_id: str, error: Exception) -> None:
        data = self._failure_head(node_id) | {
            "exception_message": describe_error(error),
            "exception_type": type_name(error),
            "traceback": format_traceback(error),
            "current_inputs": {
                name: [describe_value(value) for value in values]
                for name, values in self._inputs.items()
            },
            "current_outputs": list(self._graph),
        }
        self._frames.tell("execution_error", data)

    def _failure_head(self, node_id: str) -> dict[str, Any]:
        return {
            "prompt_id": self._item.prompt_id,
            "node_id": node_id,
            "node_type": self._graph[node_id]["class_type"],
            "executed": list(self._executed),
        }


def _make_meta(node_id: str) -> dict[str, Any]:
    return {
        "node_id": node_id,
        "display_node": node_id,
        "parent_node": None,
        "real_node_id": node_id,
    }
