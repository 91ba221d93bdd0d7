"""A workflow as ComfyUI's editor saves it: nodes with fields by position, and links apart.

    {"nodes": [{"id": 3, "type": "KSampler", "mode": 0, "inputs": [{"name", "type", "link"}],
     "widgets_values": [1, "randomize", 20, …]}], "links": [[id, from, slot, to, slot, type]]}

Read by shape alone, whatever a stranger sends; what has another shape is left out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeGuard

NEVER, BYPASSED = 2, 4  # modes of a node; all others run
VIRTUAL = frozenset({"Note", "MarkdownNote", "Reroute", "PrimitiveNode"})
_GROUP_MARKS = ("workflow/", "workflow>")


@dataclass(frozen=True, slots=True)
class SavedInput:
    """A socket of a node and the link that ends in it."""

    name: str
    type: str
    link: int | str | None


@dataclass(frozen=True, slots=True)
class SavedNode:
    """A node; `index` is its place in the file. `values` are positional, or by name."""

    index: int
    id: str
    type: str
    mode: int
    inputs: tuple[SavedInput, ...]
    values: Sequence[object] | Mapping[str, object]
    has_links: bool

    @property
    def runs(self) -> bool:
        return self.mode not in (NEVER, BYPASSED) and self.type not in VIRTUAL


@dataclass(frozen=True, slots=True)
class SavedLink:
    """Where a link begins."""

    origin: str
    slot: int


@dataclass(frozen=True, slots=True)
class SavedGraph:
    """The whole file. `subgraphs` are ids that nodes may have for a type."""

    nodes: Mapping[str, SavedNode]
    links: Mapping[int | str, SavedLink]
    subgraphs: frozenset[str]

    def is_group(self, node: SavedNode) -> bool:
        """Tell whether a node stands for several, which are kept elsewhere."""
        return node.type in self.subgraphs or node.type.startswith(_GROUP_MARKS)


def is_saved_graph(value: object) -> TypeGuard[dict[str, object]]:
    """Tell whether this is the editor's format and not the API's."""
    return isinstance(value, dict) and isinstance(value.get("nodes"), list)


def parse_saved_graph(document: Mapping[str, object]) -> SavedGraph:
    """Read the file; nodes and links of unknown shape are left out."""
    nodes = {node.id: node for node in _parse_nodes(_list(document, "nodes"))}
    links = dict(_parse_links(_list(document, "links")))
    definitions = document.get("definitions")
    subgraphs = _list(definitions, "subgraphs") if isinstance(definitions, dict) else []
    ids = (one.get("id") for one in subgraphs if isinstance(one, dict))
    return SavedGraph(nodes, links, frozenset(one for one in ids if isinstance(one, str)))


def _parse_nodes(raw: Sequence[object]) -> Iterator[SavedNode]:
    for index, one in enumerate(raw):
        if not isinstance(one, dict) or not isinstance(one.get("type"), str):
            continue
        node_id, mode, values = one.get("id"), one.get("mode"), one.get("widgets_values")
        if not _is_id(node_id):
            continue
        inputs = tuple(_parse_inputs(_list(one, "inputs")))
        yield SavedNode(
            index=index,
            id=str(node_id),
            type=one["type"],
            mode=mode if isinstance(mode, int) else 0,
            inputs=inputs,
            values=values if isinstance(values, list | dict) else [],
            has_links=any(slot.link is not None for slot in inputs)
            or any(isinstance(slot, dict) and slot.get("links") for slot in _list(one, "outputs")),
        )


def _parse_inputs(raw: Sequence[object]) -> Iterator[SavedInput]:
    for one in raw:
        if isinstance(one, dict) and isinstance(one.get("name"), str):
            kind, link = one.get("type"), one.get("link")
            yield SavedInput(
                one["name"], kind if isinstance(kind, str) else "*", link if _is_id(link) else None
            )


def _parse_links(raw: Sequence[object]) -> Iterator[tuple[int | str, SavedLink]]:
    for one in raw:
        if isinstance(one, dict):
            one = [one.get("id"), one.get("origin_id"), one.get("origin_slot")]
        if isinstance(one, list) and len(one) >= 3:
            link_id, origin, slot = one[:3]
            if _is_id(link_id) and _is_id(origin) and type(slot) is int:
                yield link_id, SavedLink(str(origin), slot)


def _is_id(value: object) -> TypeGuard[int | str]:
    return isinstance(value, int | str) and not isinstance(value, bool)


def _list(document: Mapping[str, object], name: str) -> list[object]:
    found = document.get(name)
    return found if isinstance(found, list) else []
