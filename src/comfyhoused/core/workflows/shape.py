"""The outer shape of a workflow: an object of nodes, each with a class and an object of inputs.

Nothing here needs the catalogue. What ComfyUI accepts and then dies of is caught here:
a node without `inputs`, or with a list in their place, stops its queue for ever.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import islice

from comfyhoused.core.workflows.graph import Place, escape_step
from comfyhoused.core.workflows.limits import WorkflowLimits
from comfyhoused.core.workflows.quoting import find_text_fault, quote
from comfyhoused.kit.errors import FieldError

RawNodes = Mapping[str, Mapping[str, object]]
"""Nodes whose `class_type` is text and whose `inputs` are an object; values not yet looked at."""

_NODE_ID = re.compile(r"[0-9A-Za-z_.:-]{1,64}")
_NODE_ID_RULE = "a node's id is 1 to 64 letters, digits or _ . : -"


def find_shape_errors(graph: object, limits: WorkflowLimits, root: str) -> list[FieldError]:
    """Return what keeps the value from being read as nodes; none: it is `RawNodes`."""
    whole = _find_whole_fault(graph, limits)
    if whole is not None:
        return [FieldError(detail=whole, pointer=root)]
    assert isinstance(graph, dict)
    found = (error for key in graph for error in _check_node(root, key, graph[key], limits))
    errors = [*islice(found, limits.max_errors)]
    if not errors and _count_characters(graph) > limits.max_total_characters:
        detail = f"all texts together have more than {limits.max_total_characters} characters"
        return [FieldError(detail=detail, pointer=root)]
    return errors


def _find_whole_fault(graph: object, limits: WorkflowLimits) -> str | None:
    if not isinstance(graph, dict):
        return "a workflow is an object of nodes: {node id: {class_type, inputs}}"
    if isinstance(graph.get("nodes"), list):
        return (
            "this is the format in which ComfyUI's editor saves; "
            "use Workflow → Export (API) in ComfyUI and send that"
        )
    if isinstance(graph.get("prompt"), dict) and "class_type" not in graph["prompt"]:
        return 'send the graph itself, which is the value of "prompt" here'
    if not graph:
        return "the workflow has no nodes"
    if len(graph) > limits.max_nodes:
        return f"the workflow has {len(graph)} nodes; at most {limits.max_nodes} are taken"
    return None


def _check_node(
    root: str, node_id: object, node: object, limits: WorkflowLimits
) -> Iterator[FieldError]:
    if not isinstance(node_id, str) or not _NODE_ID.fullmatch(node_id):
        step = escape_step(str(node_id)) if isinstance(node_id, str | int) else "?"
        yield FieldError(detail=_NODE_ID_RULE, pointer=f"{root}/{step}")
        return
    place = Place(root, node_id)
    if not isinstance(node, dict):
        yield place.make_error("a node is an object with class_type and inputs")
        return
    class_type, inputs = node.get("class_type"), node.get("inputs")
    if not isinstance(class_type, str) or not class_type:
        yield place.make_error("the node has no class_type (text)", "class_type")
    elif not isinstance(inputs, dict):
        place = Place(root, node_id, class_type)
        yield place.make_error("the node has no inputs (an object, may be empty)", "inputs")
    else:
        yield from _check_names(Place(root, node_id, class_type), inputs, limits)


def _check_names(
    place: Place, inputs: Mapping[object, object], limits: WorkflowLimits
) -> Iterator[FieldError]:
    if len(inputs) > limits.max_inputs_per_node:
        yield place.make_error(f"more than {limits.max_inputs_per_node} inputs", "inputs")
        return
    for name in inputs:
        if not isinstance(name, str) or find_text_fault(name, longest=200):
            yield place.make_error(f"{quote(name)} cannot be the name of an input", "inputs")


def _count_characters(nodes: RawNodes) -> int:
    total = 0
    for node in nodes.values():
        inputs = node["inputs"]
        assert isinstance(inputs, dict)
        total += sum(len(value) for value in inputs.values() if isinstance(value, str))
    return total
