"""The engine's execution, part by part, with small node classes made for it."""

from pathlib import Path
from typing import Any

import pytest

from comfyhouse_engine.context import InterruptProcessing
from comfyhouse_engine.execution.cache import graph_signatures
from comfyhouse_engine.execution.calling import collect, fan_out
from comfyhouse_engine.execution.failures import OutOfMemoryError, describe_error, type_name
from comfyhouse_engine.execution.graph import Declarations, Graph
from comfyhouse_engine.execution.interrupt import Interrupt
from comfyhouse_engine.execution.log import ExecutionLog, attempt_of
from comfyhouse_engine.execution.order import DependencyCycle, RunOrder
from comfyhouse_engine.execution.queue import PromptQueue, QueueItem, RunReport
from comfyhouse_engine.switches import BadSwitch, Switches, parse_switch
from tests.unit.engine_graphs import CLASSES, Sink, node


def list_order(graph: Graph, outputs: list[str], cached: frozenset[str] = frozenset()) -> list[str]:
    order = RunOrder(graph, CLASSES, outputs, cached.__contains__)
    taken: list[str] = []
    while (node_id := order.take_next()) is not None:
        taken.append(node_id)
        order.finish(node_id)
    return taken


DIAMOND: Graph = {
    "a": node("Source", n=1),
    "b": node("Middle", value=["a", 0]),
    "c": node("Middle", value=["a", 1]),
    "out-b": node("Sink", value=["b", 0]),
    "out-c": node("Sink", value=["c", 0]),
    "stray": node("Source", n=2),
}


def test_outputs_run_as_soon_as_they_can() -> None:
    assert list_order(DIAMOND, ["out-b", "out-c"]) == ["a", "b", "out-b", "c", "out-c"]


def test_cached_nodes_are_left_out_but_wanted_outputs_are_not() -> None:
    cached = frozenset({"a", "b", "out-b"})
    assert list_order(DIAMOND, ["out-b", "out-c"], cached) == ["out-b", "c", "out-c"]


def test_a_cycle_is_told_by_a_node_of_it() -> None:
    graph = {"1": node("Sink", value=["2", 0]), "2": node("Middle", value=["2", 0])}
    with pytest.raises(DependencyCycle) as caught:
        list_order(graph, ["1"])
    assert caught.value.node_id in graph


def sign(graph: Graph, changed: object = False) -> dict[str, bytes]:
    return graph_signatures(graph, CLASSES, Declarations(), lambda node_id: changed)


def test_signatures_depend_on_all_that_comes_before() -> None:
    first = sign(DIAMOND)
    assert sign(DIAMOND) == first
    other = {**DIAMOND, "a": node("Source", n=2)}
    assert {name for name in other if sign(other)[name] != first[name]} == {
        *("a", "b", "c", "out-b", "out-c")
    }


def test_signatures_tell_types_and_ids_apart() -> None:
    def only(**inputs: Any) -> bytes:
        return sign({"1": node("Source", **inputs)})["1"]

    assert len({only(n=1), only(n=1.0), only(n=True), only(n="1"), only(n=[1])}) == 5
    graph = {"1": node("Middle", value=1), "2": node("Middle", value=1)}
    assert len(set(sign(graph).values())) == 2, "they know their own id"
    graph = {"1": node("Source", n=1), "2": node("Source", n=1)}
    assert len(set(sign(graph).values())) == 1


def test_nan_and_changed_inputs_are_never_the_same() -> None:
    graph = {"1": node("Source", f=float("nan"))}
    assert sign(graph) != sign(graph)
    graph = {"1": node("Source", n=1)}
    assert sign(graph, changed=[float("nan")]) != sign(graph, changed=[float("nan")])
    assert sign(graph, changed=["a"]) != sign(graph, changed=["b"])


def test_links_to_nowhere_and_stray_cycles_can_be_signed() -> None:
    graph = {
        "1": node("Middle", value=["none", 0]),
        "2": node("Middle", value=["3", 0]),
        "3": node("Middle", value=["2", 0]),
    }
    assert sign(graph).keys() == graph.keys()


@pytest.mark.parametrize("broken", [{"class_type": "Source"}, node("Source") | {"inputs": []}])
def test_a_stray_node_without_inputs_raises(broken: dict[str, Any]) -> None:
    with pytest.raises((KeyError, AttributeError)):
        sign({**DIAMOND, "x": broken})


def test_functions_are_called_for_each_set_of_inputs() -> None:
    calls: list[int] = []
    results = fan_out(
        lambda a, b: (a, b),
        {"a": [1, 2, 3], "b": ["x", "y"]},
        takes_lists=False,
        before_each=lambda: calls.append(1),
    )
    assert results == [(1, "x"), (2, "y"), (3, "y")]
    assert len(calls) == 3
    assert fan_out(lambda: (1,), {}, takes_lists=False, before_each=lambda: None) == [(1,)]
    assert fan_out(lambda a: a, {"a": [1, 2]}, takes_lists=True, before_each=lambda: None) == [
        [1, 2]
    ]


def test_results_are_merged_by_output_and_key() -> None:
    class Spreading:
        RETURN_TYPES = ("A", "B")
        OUTPUT_IS_LIST = (True, False)

    merged = collect(Spreading, [([1, 2], "x"), ([3], "y")])
    assert (merged.outputs, merged.ui) == ([[1, 2, 3], ["x", "y"]], {})
    shown = collect(Sink, [{"ui": {"images": [1]}}, {"ui": {"images": [2]}, "result": ()}])
    assert (shown.outputs, shown.ui) == ([], {"images": [1, 2]})
    assert collect(Sink, [None]).outputs == []


def test_an_interrupt_hits_once() -> None:
    interrupt = Interrupt()
    interrupt.check()
    interrupt.request()
    with pytest.raises(InterruptProcessing):
        interrupt.check()
    interrupt.check()
    interrupt.request()
    interrupt.reset()
    interrupt.check()


def test_the_queue_drops_secrets_and_keeps_the_newest_of_one_id() -> None:
    queue = PromptQueue(lambda: None)
    extra = {"api_key_comfy_org": "S", "auth_token_comfy_org": "S", "client_id": "c"}
    for number, prompt_id in enumerate(["same", "same", "other"]):
        queue.put(QueueItem(number, prompt_id, {}, dict(extra), []))
    for _ in range(3):
        taken = queue.take()
        assert taken is not None
        queue.finish(taken[0], RunReport(True, []))
    history = queue.list_history(None)
    assert list(history) == ["same", "other"]
    assert history["same"]["prompt"] == (1, "same", {}, {"client_id": "c"}, [])
    assert extra["api_key_comfy_org"] == "S"


def test_flags_wake_an_idle_worker_once() -> None:
    queue = PromptQueue(lambda: None)
    queue.set_flags(unload_models=True, free_memory=False)
    assert queue.take() is None
    assert queue.take_flags().unload_models
    assert not queue.take_flags().unload_models


def test_the_log_outlives_the_process(tmp_path: Path) -> None:
    for boot in ("first", "second"):
        log = ExecutionLog(tmp_path / "log", boot)
        log.write("start", "p", {"weird": 1}, None)
        log.close()
    events = ExecutionLog(tmp_path / "log", "third").read(since=1)
    assert [(event["boot_id"], event["attempt"]) for event in events] == [("second", {"weird": 1})]


@pytest.mark.parametrize(
    ("extra_data", "attempt"),
    [
        ({"comfyhouse": {"attempt": "a"}}, "a"),
        ({"comfyhouse": 5}, None),
        ({}, None),
        ([], None),
        (None, None),
    ],
)
def test_attempts_are_read_from_anything(extra_data: object, attempt: object) -> None:
    assert attempt_of(extra_data) == attempt


def test_errors_have_the_names_that_clients_look_for() -> None:
    assert type_name(ValueError()) == "ValueError"
    assert type_name(BadSwitch()) == "comfyhouse_engine.switches.BadSwitch"
    assert type_name(OutOfMemoryError()) == "torch.OutOfMemoryError"
    assert describe_error(ValueError("no")) == "no\n"
    assert describe_error(OutOfMemoryError("no")).startswith("no\nThis error means")


def test_switches_are_read_from_the_command_line() -> None:
    switches = Switches()
    for text in ("node_seconds=0.5", "silent=true", "fail_at_node=KSampler", "drop_socket=3"):
        switches.apply(dict([parse_switch(text)]))
    assert (switches.node_seconds, switches.silent) == (0.5, True)
    assert (switches.fail_at_node, switches.drop_socket) == ("KSampler", 3)
    with pytest.raises(BadSwitch):
        parse_switch("silent")
