"""Files in workflows: only by id; and what is sent to the server in their place."""

from typing import Any

import pytest

from comfyhoused.core.workflows.files import is_file_ref, list_file_ids
from comfyhoused.core.workflows.graph import Workflow
from comfyhoused.core.workflows.policy import NodePolicy
from comfyhoused.core.workflows.preparation import prepare_graph
from comfyhoused.core.workflows.validation import check_graph, find_errors
from comfyhoused.kit.ids import make_id
from tests.workflow_cases import CATALOGUE, POLICY, STRANGERS, make_image_graph, make_text_graph

ATTEMPT = "6f9d8f0e-7a37-5d0c-9d5e-2f1f6d1d0001"


def load(image: object) -> dict[str, Any]:
    graph = make_image_graph(_1={"class_type": "LoadImage", "inputs": {"image": image}})
    return dict(sorted(graph.items()))


@pytest.mark.parametrize(
    "name",
    [
        "stranger.png",
        "no-such.png",
        "../main.py",
        "/etc/passwd",
        "tenants/a b/up.png",
        "out_00001_.png [output]",
        "x.png [temp]",
        "file_abcdefgh12345678",
        "",
        {"file_id": "../main.py"},
        {"file_id": "file_../main"},
        {"file_id": "file_abcd1234\n"},
        {"file_id": "file_abcd1234/../x"},
        {"file_id": "file_ABCDEFGH"},
        {"file_id": None},
        {"file_id": ["1", 0]},
        {"file_id": "file_abcd1234", "subfolder": ".."},
        {"__value__": "../main.py"},
        ["2", 0],
        None,
        7,
    ],
)
def test_only_our_file_ids_name_a_file(name: object) -> None:
    errors = find_errors(load(name), CATALOGUE, POLICY)
    assert "/workflow/1/inputs/image" in [error["pointer"] for error in errors]
    assert not any("stranger.png" in str(error.get("allowed")) for error in errors)


def test_a_file_by_id_is_taken() -> None:
    reference = {"file_id": make_id("file")}
    assert (
        check_graph(load(reference), CATALOGUE, POLICY).graph["1"]["inputs"]["image"] == reference
    )


def test_a_file_is_not_taken_where_text_is_needed() -> None:
    graph = make_text_graph(_6={"text": {"file_id": "file_abcd1234"}})
    assert [e["pointer"] for e in find_errors(graph, CATALOGUE, POLICY)] == [
        "/workflow/6/inputs/text"
    ]


def test_text_may_look_like_a_path() -> None:
    graph = make_text_graph(_6={"text": "../main.py [output]"})
    assert find_errors(graph, CATALOGUE, POLICY) == []


def test_a_folder_listing_of_a_custom_node_is_known_by_its_endings() -> None:
    policy = NodePolicy(allowed=POLICY.allowed | STRANGERS)
    loader = {"class_type": "StrangersLoader", "inputs": {"video": "a.MP4"}}
    [error] = find_errors(make_image_graph(_1=loader), CATALOGUE, policy)
    assert "allowed" not in error
    loader["inputs"] = {"video": {"file_id": "file_abcd1234"}}
    assert find_errors(make_image_graph(_1=loader), CATALOGUE, policy) == []


def test_ids_are_listed_once_in_order() -> None:
    def node(file_id: str) -> dict[str, Any]:
        return {"class_type": "LoadImage", "inputs": {"image": {"file_id": file_id}, "n": 1}}

    graph = {"1": node("file_bbbb"), "2": node("file_aaaa"), "3": node("file_bbbb")}
    assert list_file_ids(graph) == ["file_bbbb", "file_aaaa"]
    assert list_file_ids(make_image_graph()) == []


def test_ids_made_by_us_are_references() -> None:
    assert is_file_ref({"file_id": make_id("file")})


def test_preparation_puts_uploaded_names_and_own_output_names() -> None:
    graph = load({"file_id": "file_abcd1234"})
    graph["2"]["inputs"]["filename_prefix"] = "../../evil %date%"
    workflow = check_graph(graph, CATALOGUE, POLICY)
    sent = prepare_graph(workflow, attempt_id=ATTEMPT, file_names={"file_abcd1234": "ch_12ab.png"})
    assert sent["1"]["inputs"] == {"image": "ch_12ab.png"}
    assert sent["2"]["inputs"] == {"images": ["1", 0], "filename_prefix": f"ch/{ATTEMPT}_2"}


def test_preparation_leaves_the_workflow_alone() -> None:
    workflow = check_graph(make_text_graph(), CATALOGUE, POLICY)
    before = repr(workflow)
    sent = prepare_graph(workflow, attempt_id=ATTEMPT, file_names={})
    sent["8"]["inputs"]["samples"].append("changed")  # type: ignore[union-attr]
    assert repr(workflow) == before


def test_each_attempt_and_each_node_has_its_own_prefix() -> None:
    save = {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}}
    workflow = check_graph(make_image_graph(**{"12:3.a": save}), CATALOGUE, POLICY)
    prefixes = [
        node["inputs"]["filename_prefix"]
        for attempt in ("a1", "a2")
        for node in prepare_graph(workflow, attempt_id=attempt, file_names={}).values()
        if node["class_type"] == "SaveImage"
    ]
    assert prefixes == ["ch/a1_2", "ch/a1_12-3-a", "ch/a2_2", "ch/a2_12-3-a"]


def test_a_file_that_was_not_uploaded_is_not_forgotten() -> None:
    with pytest.raises(KeyError):
        prepare_graph(Workflow(load({"file_id": "file_abcd"})), attempt_id="a", file_names={})


def test_previews_are_saved_instead() -> None:
    graph = make_image_graph(
        _3={"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
        _4={"class_type": "SolidMask", "inputs": {"value": 1.0}},
        _5={"class_type": "MaskPreview", "inputs": {"mask": ["4", 0]}},
    )
    tidy = check_graph(graph, CATALOGUE, POLICY).graph
    assert tidy["3"]["class_type"] == tidy["5"]["class_type"] == "SaveImage"
    assert tidy["5"]["inputs"]["images"] == ["5.1", 0]
    assert tidy["5.1"] == {"class_type": "MaskToImage", "inputs": {"mask": ["4", 0]}}
    assert find_errors(tidy, CATALOGUE, POLICY) == []


def test_a_replacement_never_takes_a_used_id() -> None:
    graph = make_image_graph(
        **{"5.1": {"class_type": "SolidMask", "inputs": {"value": 1.0}}},
        _5={"class_type": "MaskPreview", "inputs": {"mask": ["5.1", 0]}},
    )
    tidy = check_graph(graph, CATALOGUE, POLICY).graph
    assert tidy["5.1"]["class_type"] == "SolidMask"
    assert tidy["5"]["inputs"]["images"] == ["5.2", 0]


def test_an_output_whose_prefix_is_optional_gets_ours() -> None:
    policy = NodePolicy(allowed=POLICY.allowed | STRANGERS)
    output = {"class_type": "StrangersOutput", "inputs": {"images": ["1", 0]}}
    workflow = check_graph(make_image_graph(_3=output), CATALOGUE, policy)
    sent = prepare_graph(workflow, attempt_id="a1", file_names={})
    assert sent["3"]["inputs"]["filename_prefix"] == "ch/a1_3"
