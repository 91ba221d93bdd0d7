"""From the editor's save format to the API format, by the catalogue of a server."""

from dataclasses import dataclass
from typing import Any

from comfyhoused.core.workflows.catalogue import Catalogue, NodeClass
from comfyhoused.core.workflows.quoting import quote
from comfyhoused.core.workflows.saved_graph import SavedGraph, SavedNode
from comfyhoused.core.workflows.saved_links import Dead, Literal, find_feed
from comfyhoused.core.workflows.saved_values import ValuesUnreadable, read_values
from comfyhoused.kit.errors import FieldError


@dataclass(frozen=True, slots=True)
class Conversion:
    """The graph in API format, not checked yet, and what keeps it from being one."""

    graph: dict[str, Any]
    errors: list[FieldError]


def convert(saved: SavedGraph, catalogue: Catalogue, root: str) -> Conversion:
    """Return what the editor would export; with errors the graph is not to be used."""
    graph: dict[str, Any] = {}
    errors: list[FieldError] = []
    for node in saved.nodes.values():
        if not node.runs:
            continue
        node_class = catalogue.classes.get(node.type)
        if saved.is_group(node):
            errors.append(make_error(root, node, "it is a subgraph; unpack it in the editor"))
        elif node_class is None:
            if node.has_links:  # else a note or a label of some extension
                detail = f"there is no node class {quote(node.type)} here"
                errors.append(make_error(root, node, detail))
        else:
            try:
                inputs = _convert_inputs(saved, node, node_class)
            except ValuesUnreadable as fault:
                errors.append(make_error(root, node, str(fault)))
            else:
                graph[node.id] = {"class_type": node.type, "inputs": inputs}
    return Conversion(graph, errors)


def _convert_inputs(saved: SavedGraph, node: SavedNode, node_class: NodeClass) -> dict[str, object]:
    inputs = read_values(node, node_class)
    for socket in node.inputs:
        if socket.link is None:
            continue
        feed = find_feed(saved, socket.link, socket.type)
        if isinstance(feed, Literal):
            inputs[socket.name] = feed.value
        elif feed is Dead.MUTED:
            inputs.pop(socket.name, None)
        elif isinstance(feed, tuple):
            inputs[socket.name] = list(feed)
    return inputs


def make_error(root: str, node: SavedNode, detail: str) -> FieldError:
    """Return an error that points at a node of the file."""
    return FieldError(
        detail=detail,
        pointer=f"{root}/nodes/{node.index}",
        node_id=quote(node.id, marks=""),
        class_type=quote(node.type, marks=""),
    )
