"""Our check of workflows against everything that was recorded of a real ComfyUI 0.3.64."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from comfyhoused.core.workflows.audited_nodes import AUDITED, REFUSED
from comfyhoused.core.workflows.catalogue import Catalogue, parse_catalogue
from comfyhoused.core.workflows.generate import build_graph
from comfyhoused.core.workflows.model_book import ModelBook
from comfyhoused.core.workflows.painters import list_painters
from comfyhoused.core.workflows.parameters import GenerateParameters, choose_model
from comfyhoused.core.workflows.policy import NodePolicy
from comfyhoused.core.workflows.preparation import prepare_graph
from comfyhoused.core.workflows.saved_conversion import convert
from comfyhoused.core.workflows.saved_graph import parse_saved_graph
from comfyhoused.core.workflows.validation import check_graph, find_errors
from tests.recorded_semantics import fails_at_run_time, kills_the_server, list_refusals

RECORDINGS = Path(__file__).parents[2] / "../shared/comfyui-recordings"
pytestmark = pytest.mark.skipif(not RECORDINGS.is_dir(), reason="no recordings beside the checkout")

POLICY = NodePolicy()
BOOK = ModelBook.load()
GRAPH_DEATHS = {"x1", "x3", "x6", "x7", "x8"}
BODY_DEATHS = {"x2", "x4", "x5", "x9"}
"""The harm sits in `extra_data`, `client_id` or `partial_execution_targets`, which we write."""
OURS_ONLY = {"223", "312", "334", "339", "340", "341"}
"""Accepted by ComfyUI, refused by us: cut numbers, run-time failures, names of files."""
NOT_THE_GRAPH = {"215", "218", "219", "316", "319", "320", "321", "322", "327"}
"""Refused for the body around the graph, or no JSON at all."""


@cache
def load_object_info() -> dict[str, Any]:
    text = (RECORDINGS / "object_info/object_info-full.json").read_text()
    info: dict[str, Any] = json.loads(text)["response"]["body"]
    return info


@cache
def load_catalogue() -> Catalogue:
    return parse_catalogue(load_object_info())


def list_exchanges(pattern: str) -> list[Any]:
    return [
        pytest.param(json.loads(path.read_text()), id=path.stem)
        for path in sorted((RECORDINGS / "http").glob(pattern))
        if path.name[:3] not in NOT_THE_GRAPH
    ]


def list_prompts() -> list[Any]:
    exchanges = [*list_exchanges("2*-prompt-*.json"), *list_exchanges("3*.json")]
    return [one for one in exchanges if "prompt" in (one.values[0]["request"].get("body") or {})]


def use_files(graph: Any) -> tuple[Any, bool]:
    """Write file ids where the recorder wrote names; tell whether there were any."""
    text = json.dumps(graph)
    changed = json.loads(text)
    for node in changed.values():
        if node["class_type"] in ("LoadImage", "LoadImageMask"):
            node["inputs"]["image"] = {"file_id": "file_abcd1234"}
    return changed, json.dumps(changed) != text


@pytest.mark.parametrize("exchange", list_prompts())
def test_what_was_refused_is_refused_in_the_same_place(exchange: Any, request: Any) -> None:
    """Behaviours 3, 5 and 6: node and input of each recorded refusal, and our own besides."""
    answer = exchange["response"].get("body") or {"error": "500 as text"}
    errors = find_errors(exchange["request"]["body"]["prompt"], load_catalogue(), POLICY)
    places = {(error.get("node_id"), error["pointer"].rpartition("/")[2]) for error in errors}
    for node_id, found in answer.get("node_errors", {}).items():
        assert errors
        for fault in found["errors"]:
            name = fault["extra_info"].get("input_name")
            # A fault of an inner node is recorded under the input of whoever asked for it.
            is_exact = name and not fault["type"].startswith("exception")
            assert (node_id, name) in places if is_exact else node_id in dict(places)
    is_accepted = exchange["response"]["status"] == 200 and not answer["node_errors"]
    is_ours_only = request.node.callspec.id[:3] in OURS_ONLY
    assert bool(errors) == (not is_accepted or is_ours_only)


@pytest.mark.parametrize("exchange", list_prompts())
def test_the_judge_of_the_random_graphs_agrees_with_the_recordings(exchange: Any) -> None:
    answer = exchange["response"].get("body") or {"node_errors": {}}
    graph = exchange["request"]["body"]["prompt"]
    is_refused = exchange["response"]["status"] != 200 or bool(answer["node_errors"])
    refusals = list_refusals(graph, load_object_info())
    is_missing_file = "no-such.png" in json.dumps(graph)
    assert bool(refusals) == (is_refused and not is_missing_file)
    for node_id, found in answer["node_errors"].items():
        for fault in found["errors"]:
            name = fault["extra_info"].get("input_name")
            if not is_missing_file and not fault["type"].startswith("exception"):
                assert (node_id, name) in refusals


def list_death_cases() -> list[Any]:
    path = RECORDINGS / "restart/worker-death-cases.json"
    cases = json.loads(path.read_text())["cases"] if path.exists() else []
    return [pytest.param(case, id=case["case"]) for case in cases]


@pytest.mark.parametrize("case", list_death_cases())
def test_what_a_server_dies_of_is_refused(case: Any) -> None:
    """Behaviour 7."""
    number = case["case"][:2]
    graph = case["body"]["prompt"]
    assert number in GRAPH_DEATHS | BODY_DEATHS
    assert bool(find_errors(graph, load_catalogue(), POLICY)) == (number in GRAPH_DEATHS)
    if number in ("x1", "x3"):
        assert kills_the_server(graph)
    if number in ("x6", "x8"):
        assert fails_at_run_time(graph, load_object_info())


REFUSED_RUNS = {
    "a4": "SaveImageWebsocket",
    "a4b": "SaveImageWebsocket",
    "d4": "more than 256 megapixels",
    "d6": "needs a link",
    "p17": "nothing to choose",  # recorded before the model was put there
    "p19": "SaveLatent",
    "q5": "nothing to choose",
}


def list_runs() -> list[Any]:
    found = [
        (path.stem, json.loads(path.read_text())) for path in sorted((RECORDINGS / "ws").glob("*"))
    ]
    return [pytest.param(run["prompt"], id=name) for name, run in found if run.get("prompt")]


@pytest.mark.parametrize("graph", list_runs())
def test_what_ran_may_run_with_files_of_our_own(graph: Any, request: Any) -> None:
    """Transcripts a to q: real graphs pass once their files are named by id."""
    with_ids, has_files = use_files(graph)
    errors = find_errors(with_ids, load_catalogue(), POLICY)
    reason = REFUSED_RUNS.get(request.node.callspec.id.partition("-")[0])
    assert bool(errors) == (reason is not None), errors
    assert reason is None or reason in json.dumps(errors)
    assert not has_files or find_errors(graph, load_catalogue(), POLICY)
    if not errors:
        workflow = check_graph(with_ids, load_catalogue(), POLICY)
        names = {"file_abcd1234": "example.png"}
        sent = prepare_graph(workflow, attempt_id="a1", file_names=names)
        assert list_refusals(sent, load_object_info()) == set()
        assert not fails_at_run_time(sent, load_object_info())


def test_every_class_of_comfyui_was_thought_about() -> None:
    classes = load_catalogue().classes
    assert classes.keys() >= AUDITED
    assert classes.keys() >= REFUSED.keys()
    own = {name for name, known in classes.items() if not known.is_api_node}
    assert len(own) == 383
    assert {name for name in own - AUDITED - REFUSED.keys() if classes[name].is_output} == {
        "SaveSVGNode",
        "LossGraphNode",
        "SaveGLB",
    }


def test_no_paid_node_passes() -> None:
    classes = load_catalogue().classes
    paid = {name for name, known in classes.items() if known.is_api_node}
    recorded = json.loads((RECORDINGS / "object_info/api-node-class-names.json").read_text())
    assert paid >= set(recorded["classes"])
    assert all(POLICY.find_refusal(name, classes[name]) for name in paid)


def test_audited_classes_take_files_only_where_marked() -> None:
    classes = load_catalogue().classes
    files = {
        (name, key)
        for name in AUDITED
        for key, spec in classes[name].inputs.items()
        if spec.is_file
    }
    assert files == {("LoadImage", "image"), ("LoadImageMask", "image")}


def test_audited_outputs_save_or_are_replaced() -> None:
    classes = load_catalogue().classes
    outputs = {name for name in AUDITED if classes[name].is_output}
    assert len(outputs) == 12
    assert all(POLICY.find_refusal(name, classes[name]) is None for name in outputs)


def test_the_offer_of_the_recorded_server() -> None:
    catalogue = load_catalogue()
    assert catalogue.checkpoints == ("sd15_random.safetensors",)
    assert (len(catalogue.samplers), len(catalogue.schedulers)) == (42, 9)
    assert catalogue.loras == catalogue.controlnets == catalogue.upscalers == ()


@pytest.mark.parametrize("file_id", [None, "file_abcd1234"])
def test_generate_builds_what_the_recorded_server_takes(file_id: str | None) -> None:
    catalogue = load_catalogue()
    model = choose_model(None, list(list_painters([catalogue], BOOK)))
    parameters = GenerateParameters(
        prompt="a cat", model=model, seed=1, num_images=2, init_image_file_id=file_id
    )
    workflow = build_graph(parameters, [catalogue], BOOK)
    assert find_errors(workflow.graph, catalogue, POLICY) == []
    sent = prepare_graph(workflow, attempt_id="a1", file_names={"file_abcd1234": "example.png"})
    assert list_refusals(sent, load_object_info()) == set()


def save_as_editor(class_type: str, entry: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return one node in the save format and what the editor would export of it."""
    values: list[Any] = []
    inputs: dict[str, Any] = {}
    for section in ("required", "optional"):
        for name in entry["input_order"].get(section, []):
            kind, *more = entry["input"][section][name]
            options = more[0] if more else {}
            choices = kind if isinstance(kind, list) else options.get("options", [])
            known = {"INT": 7, "FLOAT": 0.5, "STRING": "words", "BOOLEAN": True}
            if isinstance(kind, list) or kind == "COMBO":
                value: Any = choices[0] if choices else ""
            elif kind in known and not options.get("forceInput"):
                value = known[kind]
            else:
                continue
            values.append(value)
            inputs[name] = value
            if options.get("control_after_generate"):
                values.append("randomize")
    node = {"id": 1, "type": class_type, "mode": 0, "inputs": [], "widgets_values": values}
    return {"nodes": [node], "links": []}, inputs


def test_every_class_is_converted_from_the_save_format() -> None:
    converted = 0
    for class_type, entry in load_object_info().items():
        saved, inputs = save_as_editor(class_type, entry)
        conversion = convert(parse_saved_graph(saved), load_catalogue(), "/workflow")
        assert not conversion.errors
        assert conversion.graph == {"1": {"class_type": class_type, "inputs": inputs}}
        converted += 1
    assert converted == 496
