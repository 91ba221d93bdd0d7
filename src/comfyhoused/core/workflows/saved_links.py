"""Links of a saved workflow, followed to what really feeds them.

As the editor does when it exports: through reroutes and bypassed nodes, to a node that runs, to
the value of a primitive, or to nothing.
"""

from dataclasses import dataclass
from enum import Enum

from comfyhoused.core.workflows.saved_graph import BYPASSED, SavedGraph, SavedNode


@dataclass(frozen=True, slots=True)
class Literal:
    """A primitive feeds it: the value itself."""

    value: object


class Dead(Enum):
    """Nothing feeds it: a muted node does not run, a bypassed one has nothing to pass on."""

    MUTED = "muted"
    OPEN = "open"


Feed = tuple[str, int] | Literal | Dead


def find_feed(graph: SavedGraph, link: int | str | None, wanted_type: str) -> Feed:
    """Return what a link brings: node id and output, a value, or why it brings nothing."""
    walked: set[int | str] = set()
    while link is not None and link not in walked:
        walked.add(link)
        start = graph.links.get(link)
        node = graph.nodes.get(start.origin) if start is not None else None
        if start is None or node is None:
            return Dead.OPEN
        if node.type == "PrimitiveNode":
            return _read_primitive(node)
        if node.type == "Reroute":
            link = node.inputs[0].link if node.inputs else None
        elif node.mode == BYPASSED:
            link = _pass_through(node, start.slot, wanted_type)
        else:
            return (node.id, start.slot) if node.runs else Dead.MUTED
    return Dead.OPEN


def _read_primitive(node: SavedNode) -> Feed:
    values = node.values
    if not isinstance(values, list) or not values:
        return Dead.OPEN
    return Literal(values[0])


def _pass_through(node: SavedNode, slot: int, wanted_type: str) -> int | str | None:
    """Return the link that a bypassed node hands on: of the same slot, else of the same type."""
    sockets = node.inputs
    if wanted_type in ("*", ""):
        chosen = sockets[slot : slot + 1] or sockets[:1]
    else:
        near = [one for one in sockets[slot : slot + 1] if one.type == wanted_type]
        chosen = tuple(near) or tuple(one for one in sockets if one.type == wanted_type)
    return chosen[0].link if chosen else None
