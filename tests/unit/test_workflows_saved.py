"""The editor's save format: converted as the editor would export it, or refused with a reason."""

from copy import deepcopy
from typing import Any

import pytest

from comfyhoused.core.workflows.catalogue import Catalogue, parse_catalogue
from comfyhoused.core.workflows.saved_check import WorkflowIsSaveFormat
from comfyhoused.core.workflows.saved_conversion import convert
from comfyhoused.core.workflows.saved_graph import parse_saved_graph
from comfyhoused.core.workflows.validation import InvalidWorkflow, check_graph, check_graph_on_any
from tests.workflow_cases import CATALOGUE, OBJECT_INFO, POLICY, make_text_graph


def order_inputs(info: dict[str, Any]) -> dict[str, Any]:
    """Add what the editor goes by: the order of inputs, and which of them is a seed."""
    ordered = deepcopy(info)
    for entry in ordered.values():
        entry["input_order"] = {
            section: [*entry["input"].get(section, {})] for section in ("required", "optional")
        }
    return ordered


ORDERED = parse_catalogue(order_inputs(OBJECT_INFO))
# As the editor would write make_text_graph(): fields by position, links apart.
LINKS = [
    [1, 4, 0, 3, 0, "MODEL"],
    [2, 5, 0, 3, 3, "LATENT"],
    [3, 4, 1, 6, 0, "CLIP"],
    [4, 6, 0, 3, 1, "CONDITIONING"],
    [5, 4, 1, 7, 0, "CLIP"],
    [6, 7, 0, 3, 2, "CONDITIONING"],
    [7, 3, 0, 8, 0, "LATENT"],
    [8, 4, 2, 8, 1, "VAE"],
    [9, 8, 0, 9, 0, "IMAGE"],
]


def make_node(
    node_id: int, kind: str, values: Any, inputs: dict[str, tuple[str, int | None]], **more: Any
) -> dict[str, Any]:
    sockets = [{"name": n, "type": t, "link": link} for n, (t, link) in inputs.items()]
    node = {"id": node_id, "type": kind, "mode": 0, "inputs": sockets, "widgets_values": values}
    return {**node, "outputs": [{"name": "out", "type": "*", "links": [1]}], **more}


def make_saved() -> dict[str, Any]:
    sampler = {
        "model": ("MODEL", 1),
        "positive": ("CONDITIONING", 4),
        "negative": ("CONDITIONING", 6),
        "latent_image": ("LATENT", 2),
    }
    return {
        "last_node_id": 9,
        "nodes": [
            make_node(7, "CLIPTextEncode", ["bad"], {"clip": ("CLIP", 5)}),
            make_node(6, "CLIPTextEncode", ["a cat"], {"clip": ("CLIP", 3)}),
            make_node(5, "EmptyLatentImage", [64, 64, 1], {}),
            make_node(4, "CheckpointLoaderSimple", ["painter.safetensors"], {}),
            make_node(
                3, "KSampler", [1, "randomize", 2, 7.0, "euler", "normal", 1.0], deepcopy(sampler)
            ),
            make_node(8, "VAEDecode", [], {"samples": ("LATENT", 7), "vae": ("VAE", 8)}),
            make_node(9, "SaveImage", ["t2i"], {"images": ("IMAGE", 9)}),
        ],
        "links": deepcopy(LINKS),
        "groups": [],
        "version": 0.4,
    }


def get_node(saved: dict[str, Any], node_id: int) -> dict[str, Any]:
    found: dict[str, Any] = next(node for node in saved["nodes"] if node["id"] == node_id)
    return found


def export(saved: dict[str, Any], catalogue: Catalogue = ORDERED) -> dict[str, Any]:
    conversion = convert(parse_saved_graph(saved), catalogue, "/workflow")
    assert not conversion.errors
    return conversion.graph


def insert(saved: dict[str, Any], node: dict[str, Any], link: int) -> None:
    """Put a node into the middle of a link: `link` ends in it, link + 100 goes on from it."""
    saved["nodes"].append(node)
    old = next(one for one in saved["links"] if one[0] == link)
    saved["links"].append([link + 100, node["id"], 0, old[3], old[4], old[5]])
    get_socket(saved, old[3], link)["link"] = link + 100
    old[3], old[4] = node["id"], 0


def get_socket(saved: dict[str, Any], node_id: int, link: int) -> dict[str, Any]:
    sockets = get_node(saved, node_id)["inputs"]
    found: dict[str, Any] = next(one for one in sockets if one["link"] == link)
    return found


def test_plain() -> None:
    assert export(make_saved()) == make_text_graph()
    assert check_graph(make_saved(), ORDERED, POLICY) == check_graph(
        make_text_graph(), CATALOGUE, POLICY
    )


def test_links_as_objects() -> None:
    saved = make_saved()
    names = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
    saved["links"] = [dict(zip(names, link, strict=True)) for link in saved["links"]]
    assert export(saved) == make_text_graph()


@pytest.mark.parametrize("control", ["fixed", "increment", "decrement", "randomize", True, None])
def test_what_follows_a_seed(control: str | bool | None) -> None:
    saved = make_saved()
    values = get_node(saved, 3)["widgets_values"]
    values[1:2] = [] if control is None else [control]
    assert export(saved) == make_text_graph()


def test_values_by_name() -> None:
    saved = make_saved()
    get_node(saved, 5)["widgets_values"] = {"height": 64, "width": 64, "batch_size": 1, "more": 5}
    assert export(saved) == make_text_graph()


def test_field_that_became_a_socket() -> None:
    saved = make_saved()
    saved["nodes"].append(make_node(20, "EmptyLatentImage", [8, 8, 1], {}))
    saved["links"].append([50, 20, 0, 3, 4, "INT"])
    get_node(saved, 3)["inputs"].append(
        {"name": "steps", "type": "INT", "link": 50, "widget": {"name": "steps"}}
    )
    assert export(saved)["3"]["inputs"]["steps"] == ["20", 0]


def test_socket_of_a_field_without_a_link() -> None:
    saved = make_saved()
    get_node(saved, 3)["inputs"].append(
        {"name": "steps", "type": "INT", "link": None, "widget": {"name": "steps"}}
    )
    assert export(saved) == make_text_graph()


def test_primitive_gives_its_value_even_through_a_reroute() -> None:
    saved = make_saved()
    saved["nodes"].append(make_node(20, "PrimitiveNode", [33, "fixed"], {}))
    saved["nodes"].append(make_node(21, "Reroute", None, {"": ("*", 60)}))
    saved["links"] += [[60, 20, 0, 21, 0, "INT"], [61, 21, 0, 3, 4, "INT"]]
    get_node(saved, 3)["inputs"].append({"name": "steps", "type": "INT", "link": 61})
    assert export(saved) == make_text_graph(_3={"steps": 33})


def test_reroutes_are_walked_through() -> None:
    saved = make_saved()
    insert(saved, make_node(20, "Reroute", None, {"": ("*", 9)}), 9)
    insert(saved, make_node(21, "Reroute", None, {"": ("*", 109)}), 109)
    assert export(saved) == make_text_graph()


def test_bypassed_node_hands_on_what_fits() -> None:
    saved = make_saved()
    lora = make_node(
        20,
        "LoraLoader",
        ["warm.safetensors", 1.0, 1.0],
        {"clip": ("CLIP", 5), "model": ("MODEL", 1)},
        mode=4,
    )
    insert(saved, lora, 1)
    assert export(saved) == make_text_graph()


def test_bypassed_node_with_nothing_that_fits_leaves_the_input_open() -> None:
    saved = make_saved()
    insert(saved, make_node(20, "VAEDecode", [], {"vae": ("VAE", 8)}, mode=4), 9)
    assert "images" not in export(saved)["9"]["inputs"]


def test_muted_node_and_what_hangs_on_it() -> None:
    saved = make_saved()
    get_node(saved, 8)["mode"] = 2
    graph = export(saved)
    assert "8" not in graph
    assert "images" not in graph["9"]["inputs"]
    with pytest.raises(InvalidWorkflow) as caught:
        check_graph(saved, ORDERED, POLICY)
    (error,) = caught.value.errors
    assert error["detail"] == "images: the input 'images' is missing"


def test_notes_and_labels_are_left_out() -> None:
    saved = make_saved()
    for number, kind in enumerate(("Note", "MarkdownNote", "Label (somebody)")):
        saved["nodes"].append({"id": 30 + number, "type": kind, "widgets_values": ["words"]})
    assert export(saved) == make_text_graph()


def test_missing_values_are_the_editors_defaults() -> None:
    saved = make_saved()
    get_node(saved, 3)["widgets_values"] = [1, "randomize", 2, 7.0, "euler"]
    assert export(saved)["3"]["inputs"]["scheduler"] == "simple"
    assert export(saved)["3"]["inputs"]["denoise"] == 1.0


def test_picture_of_an_upload_button() -> None:
    saved = {
        "nodes": [
            make_node(1, "LoadImage", [{"file_id": "file_abcd"}, "image"], {}),
            make_node(2, "SaveImage", ["x", ""], {"images": ("IMAGE", 1)}),
        ],
        "links": [[1, 1, 0, 2, 0, "IMAGE"]],
    }
    workflow = check_graph(saved, ORDERED, POLICY)
    assert workflow.graph["1"]["inputs"] == {"image": {"file_id": "file_abcd"}}


@pytest.mark.parametrize(
    ("change", "node_id", "detail"),
    [
        ({"widgets_values": [1, "randomize", 2, 7.0, "euler", "normal", 1.0, 5]}, 3, "8 values"),
        ({"type": "Nowhere"}, 3, "there is no node class 'Nowhere' here"),
        ({"type": "workflow/mine"}, 3, "it is a subgraph"),
        ({"type": "0e7c-uuid"}, 3, "it is a subgraph"),
    ],
)
def test_doubtful_is_refused(change: dict[str, Any], node_id: int, detail: str) -> None:
    saved = make_saved()
    saved["definitions"] = {"subgraphs": [{"id": "0e7c-uuid", "nodes": []}]}
    get_node(saved, node_id).update(change)
    with pytest.raises(WorkflowIsSaveFormat) as caught:
        check_graph(saved, ORDERED, POLICY)
    (error,) = caught.value.errors
    assert detail in error["detail"]
    assert (error["node_id"], error["pointer"]) == ("3", "/workflow/nodes/4")
    assert "Export (API)" in caught.value.detail


def test_server_that_tells_no_order_is_no_help() -> None:
    with pytest.raises(WorkflowIsSaveFormat, match="in which order"):
        check_graph(make_saved(), CATALOGUE, POLICY)
    assert check_graph_on_any(make_saved(), [CATALOGUE, ORDERED], POLICY).graph
    with pytest.raises(WorkflowIsSaveFormat, match="no server is known"):
        check_graph_on_any(make_saved(), [], POLICY)


def test_values_at_the_wrong_place_are_noticed() -> None:
    saved = make_saved()
    get_node(saved, 3)["widgets_values"] = [1, "randomize", 2, 7.0, "normal", "euler", 1.0]
    with pytest.raises(InvalidWorkflow) as caught:
        check_graph(saved, ORDERED, POLICY)
    assert [error["pointer"] for error in caught.value.errors] == ["/workflow/nodes/4"] * 2
    assert caught.value.errors[0]["detail"].startswith("sampler_name: 'normal' is not one")
    assert "allowed" in caught.value.errors[0]


@pytest.mark.parametrize(
    "saved",
    [
        {"nodes": []},
        {"nodes": [None, 5, {}, {"type": 5}, {"type": "KSampler"}, {"id": [], "type": "KSampler"}]},
        {"nodes": [{"id": 1, "type": "KSampler", "inputs": 5, "widgets_values": "x", "mode": "y"}]},
        {"nodes": [{"id": 1, "type": "Reroute", "inputs": [{"name": "a", "link": 1}]}], "links": 7},
        {"nodes": [{"id": "a/~", "type": "SaveImage", "inputs": [{"name": 1, "link": {}}]}]},
        {"nodes": [{"id": 1, "type": "SaveImage"}] * 3, "links": [[], None, {}, [1, [], 0]]},
        {"nodes": [], "definitions": 5},
        {"nodes": [{"id": n, "type": "Note"} for n in range(2001)]},
    ],
)
def test_whatever_is_sent_gets_an_answer(saved: dict[str, Any]) -> None:
    with pytest.raises((InvalidWorkflow, WorkflowIsSaveFormat)):
        check_graph(saved, ORDERED, POLICY)


def test_reroutes_in_a_circle_end() -> None:
    saved = make_saved()
    saved["nodes"].append(make_node(20, "Reroute", None, {"": ("*", 70)}))
    saved["links"] += [[70, 20, 0, 20, 0, "*"]]
    get_socket(saved, 9, 9)["link"] = 70
    assert "images" not in export(saved)["9"]["inputs"]
