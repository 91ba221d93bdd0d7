"""From a checked workflow to the graph that one attempt sends to a ComfyUI server."""

import re
from collections.abc import Mapping

from comfyhoused.core.workflows.files import is_file_ref
from comfyhoused.core.workflows.graph import Graph, Node, Value, Workflow
from comfyhoused.core.workflows.policy import REPLACED_OUTPUTS


def prepare_graph(workflow: Workflow, *, attempt_id: str, file_names: Mapping[str, str]) -> Graph:
    """Return the graph to send: own output names, uploaded names in place of file ids.

    `file_names` maps each file id to the name under which it was uploaded to that server;
    a missing one raises KeyError. The names of outputs hold the attempt's id, so that a
    cached run still writes files, and nobody's outputs collide.
    """
    graph = replace_previews(workflow.graph)
    return {
        node_id: Node(
            class_type=node["class_type"],
            inputs={
                name: _prepare_value(name, value, node_id, attempt_id, file_names)
                for name, value in node["inputs"].items()
            },
        )
        for node_id, node in graph.items()
    }


def _prepare_value(
    name: str, value: Value, node_id: str, attempt_id: str, file_names: Mapping[str, str]
) -> Value:
    if name == "filename_prefix":
        return f"ch/{attempt_id}_{re.sub('[^0-9A-Za-z]', '-', node_id)}"
    if is_file_ref(value):
        return file_names[value["file_id"]]
    return list(value) if isinstance(value, list) else value


def replace_previews(graph: Graph) -> Graph:
    """Return the graph with nodes that only show a result replaced by those that save it."""
    replaced: Graph = {}
    for node_id, node in graph.items():
        class_type = node["class_type"]
        inputs: dict[str, Value] = dict(node["inputs"])
        if class_type in REPLACED_OUTPUTS:
            inputs["filename_prefix"] = "ch"
        if class_type == "MaskPreview":
            helper_id = _find_free_id(node_id, graph)
            replaced[helper_id] = Node(
                class_type="MaskToImage", inputs={"mask": inputs.pop("mask")}
            )
            inputs["images"] = [helper_id, 0]
        replaced[node_id] = Node(
            class_type=REPLACED_OUTPUTS.get(class_type, class_type), inputs=inputs
        )
    return replaced


def _find_free_id(node_id: str, graph: Graph) -> str:
    number = 1
    while f"{node_id}.{number}" in graph:
        number += 1
    return f"{node_id}.{number}"
