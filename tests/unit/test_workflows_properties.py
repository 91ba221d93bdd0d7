"""Random graphs: the check never crashes, and what it lets through a real ComfyUI runs.

The judge is `tests.recorded_semantics`, which is itself checked against the recordings.
"""

import json
from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from comfyhoused.core.workflows.graph import Graph
from comfyhoused.core.workflows.inputs import InputSpec
from comfyhoused.core.workflows.policy import NodePolicy
from comfyhoused.core.workflows.preparation import prepare_graph
from comfyhoused.core.workflows.validation import InvalidWorkflow, check_graph, find_errors
from tests.recorded_semantics import fails_at_run_time, kills_the_server, list_refusals
from tests.workflow_cases import (
    CATALOGUE,
    CHECKPOINT,
    OBJECT_INFO,
    POLICY,
    STRANGERS,
    make_image_graph,
    make_text_graph,
)

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
EVERYTHING = NodePolicy(allowed=POLICY.allowed | STRANGERS)
TEXT = st.text(st.characters(exclude_categories=()), max_size=8)  # lone surrogates included
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(10**300), 10**300),
    st.floats(),
    TEXT,
    st.sampled_from(["euler", "normal", CHECKPOINT, "7", "1e3", "nan", "x", "../a", "\ud800"]),
)
IDS = st.sampled_from(["1", "2", "3", "4", "5", "6", "7", "8", "9", "404"])
LINKS = st.one_of(
    st.tuples(IDS, st.integers(-1, 3)).map(list), st.lists(st.one_of(IDS, SCALARS), max_size=3)
)
FILES = st.sampled_from([{"file_id": "file_abcd1234"}, {"file_id": "../x"}, {"__value__": "a"}])
VALUES = st.one_of(SCALARS, LINKS, LINKS, FILES)
CLASSES = st.sampled_from([*sorted(OBJECT_INFO), "NoSuch"])
INPUT_NAMES = st.sampled_from(
    sorted({name for known in CATALOGUE.classes.values() for name in known.inputs} | {"bogus"})
)
ANY_JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXT, inner, max_size=4)),
    max_leaves=20,
)
NODES = st.one_of(
    ANY_JSON,
    st.fixed_dictionaries(
        {"class_type": CLASSES, "inputs": st.dictionaries(INPUT_NAMES, VALUES, max_size=6)}
    ),
)


def make_plausible(spec: InputSpec, ids: list[str]) -> st.SearchStrategy[Any]:
    """Return values that this input takes, or that only just miss."""
    if spec.is_file:
        return FILES
    low, high = spec.minimum, spec.maximum
    edges = [
        one for bound in (low, high) if bound is not None for one in (bound, bound - 1, bound + 1)
    ]
    by_type: dict[str, st.SearchStrategy[Any]] = {
        "INT": st.one_of(st.integers(16, 600), st.sampled_from([*edges, "64", 64.0, 64.5])),
        "FLOAT": st.one_of(st.floats(0, 1), st.sampled_from([*edges, 1, "0.5"])),
        "STRING": TEXT,
        "BOOLEAN": st.sampled_from([True, False, 0, 1, "true"]),
        "COMBO": st.sampled_from([*(spec.choices or ()), *(spec.choices or ()), "nosuch"]),
    }
    links = st.tuples(st.sampled_from(ids), st.sampled_from([0, 0, 0, 1, 2])).map(list)
    return by_type.get(spec.type, links)


@st.composite
def make_plausible_node(draw: st.DrawFn, ids: list[str]) -> dict[str, Any]:
    """Return a node with all inputs its class needs, as far as that is luck."""
    class_type = draw(st.sampled_from(sorted(CATALOGUE.classes)))
    specs = CATALOGUE.classes[class_type].inputs
    inputs = {name: draw(make_plausible(spec, ids)) for name, spec in specs.items()}
    return {"class_type": class_type, "inputs": inputs}


@st.composite
def make_mutant(draw: st.DrawFn) -> dict[str, Any]:
    """Return a sound graph with up to three plausible changes and, seldom, a wild one."""
    graph = draw(st.sampled_from([make_text_graph, make_image_graph]))()
    for _ in range(draw(st.integers(0, 3))):
        node = graph[draw(st.sampled_from(sorted(graph)))]
        name = draw(st.sampled_from(sorted(node["inputs"])))
        if draw(st.booleans()):
            spec = CATALOGUE.classes[node["class_type"]].inputs[name]
            node["inputs"][name] = draw(make_plausible(spec, sorted(graph)))
        else:
            graph[f"n{len(graph)}"] = draw(make_plausible_node(sorted(graph)))
    if draw(st.integers(0, 3)) == 0:
        _change_wildly(draw, graph)
    return graph


def _change_wildly(draw: st.DrawFn, graph: dict[str, Any]) -> None:
    node = graph[draw(st.sampled_from(sorted(graph)))]
    change = draw(st.sampled_from(["value", "remove", "class", "node"]))
    if change == "node":
        graph[draw(IDS)] = draw(NODES)
    elif change == "class":
        node["class_type"] = draw(CLASSES)
    elif change == "value":
        node["inputs"][draw(INPUT_NAMES)] = draw(VALUES)
    else:
        del node["inputs"][draw(st.sampled_from(sorted(node["inputs"])))]


def prepare(graph: object) -> Graph:
    workflow = check_graph(graph, CATALOGUE, EVERYTHING)
    names = {"file_abcd1234": "ch_ab12.png"}
    return prepare_graph(workflow, attempt_id="a", file_names=names)


@given(st.one_of(ANY_JSON, st.dictionaries(TEXT, NODES, max_size=6)))
@settings(UNHURRIED, max_examples=200)
def test_nothing_crashes_the_check(graph: object) -> None:
    errors = find_errors(graph, CATALOGUE, EVERYTHING)
    orjson.dumps(errors)  # refuses what is no UTF-8
    assert all(error["detail"] and error["pointer"].startswith("/workflow") for error in errors)


@given(make_mutant())
@settings(UNHURRIED, max_examples=400)
def test_what_passes_runs_as_recorded(graph: dict[str, Any]) -> None:
    try:
        sent = prepare(graph)
    except InvalidWorkflow as refused:
        orjson.dumps(refused.errors)
        return
    assert not kills_the_server(sent)
    assert list_refusals(sent, OBJECT_INFO) == set()
    assert not fails_at_run_time(sent, OBJECT_INFO)
    assert CATALOGUE.can_run(sent)
    json.dumps(sent, allow_nan=False).encode()


@given(make_mutant())
@settings(UNHURRIED, max_examples=200)
def test_what_a_server_refuses_we_refuse(graph: dict[str, Any]) -> None:
    is_sound = all(isinstance(node, dict) and "class_type" in node for node in graph.values())
    if not is_sound or kills_the_server(graph) or list_refusals(graph, OBJECT_INFO):
        assert find_errors(graph, CATALOGUE, EVERYTHING)


@given(make_mutant())
@settings(UNHURRIED, max_examples=100)
def test_tidying_twice_changes_nothing(graph: dict[str, Any]) -> None:
    try:
        once = check_graph(graph, CATALOGUE, EVERYTHING)
    except InvalidWorkflow:
        return
    assert check_graph(once.graph, CATALOGUE, EVERYTHING) == once
