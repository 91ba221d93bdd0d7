"""One node that will run: may it be used, and is every input what its class takes?"""

from collections.abc import Iterator, Mapping
from typing import cast

from comfyhoused.core.workflows.catalogue import NodeClass
from comfyhoused.core.workflows.graph import Node, Place, Value, is_link
from comfyhoused.core.workflows.inputs import InputSpec
from comfyhoused.core.workflows.quoting import quote
from comfyhoused.core.workflows.rules import Rules
from comfyhoused.core.workflows.shape import RawNodes
from comfyhoused.core.workflows.sizes import find_size_fault
from comfyhoused.core.workflows.values import BadValue, read_value
from comfyhoused.core.workflows.wiring import find_link_fault
from comfyhoused.kit.errors import FieldError


def read_node(
    node_id: str, node_class: NodeClass, nodes: RawNodes, rules: Rules
) -> tuple[Node, list[FieldError]]:
    """Return the node as it will be sent, and what is wrong with it."""
    place = rules.make_place(node_id, nodes)
    refusal = rules.policy.find_refusal(place.class_type, node_class)
    if refusal is not None:
        error = place.make_error(f"this node may not be used: {refusal}", "class_type")
        return Node(class_type=place.class_type, inputs={}), [error]
    raw = cast(Mapping[str, object], nodes[node_id]["inputs"])
    inputs, errors = _read_inputs(place, node_class, raw, nodes, rules)
    errors += _find_missing(place, node_class, raw)
    fault = find_size_fault(inputs, rules.limits)
    if fault is not None:
        errors.append(place.make_error(fault, "inputs"))
    if node_class.is_output and "filename_prefix" in node_class.inputs:
        inputs["filename_prefix"] = "ch"  # whatever was asked for, and where nothing was
    return Node(class_type=place.class_type, inputs=inputs), errors


def _find_missing(
    place: Place, node_class: NodeClass, raw: Mapping[str, object]
) -> Iterator[FieldError]:
    for name, spec in node_class.inputs.items():
        if spec.required and name not in raw:
            yield place.make_error(f"the input {quote(name)} is missing", "inputs", name)


def _read_inputs(
    place: Place,
    node_class: NodeClass,
    raw: Mapping[str, object],
    nodes: RawNodes,
    rules: Rules,
) -> tuple[dict[str, Value], list[FieldError]]:
    """Read every input the class knows.

    ComfyUI ignores a scalar of an unknown name (old exports carry some), so it is dropped;
    an unknown link it hands to the node, which fails of it.
    """
    inputs: dict[str, Value] = {}
    errors: list[FieldError] = []
    for name, value in raw.items():
        spec = node_class.inputs.get(name)
        try:
            if spec is not None:
                inputs[name] = _read_input(spec, value, nodes, rules)
            elif isinstance(value, list):
                raise BadValue(f"the node has no input {quote(name)}")
        except BadValue as bad:
            errors.append(place.make_error(bad.detail, "inputs", name, allowed=bad.allowed))
    return inputs, errors


def _read_input(spec: InputSpec, value: object, nodes: RawNodes, rules: Rules) -> Value:
    if not isinstance(value, list):
        return read_value(spec, value, rules.limits.max_text_characters)
    if is_link(value) and value[0] in nodes:
        fault = find_link_fault(spec, value, nodes, rules.catalogue)
        if fault is not None:
            raise BadValue(fault)
    return cast(list[str | int], value)  # one that leads nowhere is reported with the graph
