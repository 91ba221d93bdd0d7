"""The values of a saved node's fields, from their positions to their names.

The order is that of the class's inputs; behind a seed stands what happens to it after a run
("randomize"), behind all of them what an upload button shows. A list that does not fit is
refused: a value at the wrong place would give another picture, silently.
"""

from collections.abc import Mapping, Sequence

from comfyhoused.core.workflows.catalogue import NodeClass
from comfyhoused.core.workflows.inputs import InputSpec
from comfyhoused.core.workflows.saved_graph import SavedNode

_CONTROLS = frozenset({"fixed", "increment", "decrement", "randomize", "increment-wrap"})


class ValuesUnreadable(Exception):
    """The values do not fit the class; the text says how."""


def read_values(node: SavedNode, node_class: NodeClass) -> dict[str, object]:
    """Return the values by the names of inputs; raises ValuesUnreadable."""
    widgets = node_class.widgets
    if widgets is None:
        raise ValuesUnreadable("the server does not tell in which order its fields stand")
    if isinstance(node.values, Mapping):
        return {name: node.values[name] for name in widgets if name in node.values}
    values = list(node.values)
    found: dict[str, object] = {}
    for name in widgets:
        spec = node_class.inputs[name]
        if not values:
            if spec.required:
                found[name] = _make_default(spec)
            continue
        found[name] = values.pop(0)
        if spec.has_control and values and _is_control(values[0]):
            values.pop(0)
    _check_rest(values, node_class, count=len(node.values))
    return found


def _is_control(value: object) -> bool:
    return isinstance(value, bool) or (isinstance(value, str) and value in _CONTROLS)


def _check_rest(rest: Sequence[object], node_class: NodeClass, *, count: int) -> None:
    buttons = sum(spec.is_file for spec in node_class.inputs.values())
    if sum(value not in ("", None) for value in rest) > buttons:  # empty ones: former previews
        known = len(node_class.widgets or ())
        raise ValuesUnreadable(
            f"it has {count} values for {known} fields: it was saved with another version of the "
            "node, or the editor adds fields that the server does not tell of"
        )


def _make_default(spec: InputSpec) -> object:
    """Return what the editor shows in a field that the file has no value for."""
    if spec.default is not None:
        return spec.default
    if spec.choices:
        return spec.choices[0]
    return {"INT": 0, "FLOAT": 0, "BOOLEAN": False}.get(spec.type, "")
