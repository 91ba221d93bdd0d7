"""Results of earlier nodes, kept by what the node and everything before it was asked for.

After each prompt only what that prompt names is kept, as in ComfyUI's default cache. A cached
output node runs no code: it reports the file names of its old run (recorded in ws/b, ws/j2).
"""

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from comfyhouse_engine.execution.calling import NodeResult
from comfyhouse_engine.execution.graph import Declarations, Graph, NodeClasses, is_link

Signature = bytes
_unequal = itertools.count()


@dataclass(frozen=True)
class Kept:
    """A node's result and, for nodes with something to show, the entry for `meta` in history."""

    result: NodeResult
    meta: dict[str, Any] | None


class NodeCache:
    """Kept results by signature, seen through the graph that runs now."""

    def __init__(self) -> None:
        self._kept: dict[Signature, Kept] = {}
        self._signatures: dict[str, Signature] = {}

    def enter_graph(self, signatures: dict[str, Signature]) -> None:
        """Start a prompt: look results up by its node ids, and forget what it does not name."""
        self._signatures = signatures
        named = set(signatures.values())
        self._kept = {key: kept for key, kept in self._kept.items() if key in named}

    def find(self, node_id: str) -> Kept | None:
        """Return the kept result of a node of the graph that runs now."""
        signature = self._signatures.get(node_id)
        return self._kept.get(signature) if signature is not None else None

    def keep(self, node_id: str, kept: Kept) -> None:
        """Remember a node's result."""
        self._kept[self._signatures[node_id]] = kept

    def clear(self) -> None:
        """Forget everything, as POST /free with `free_memory` asks."""
        self._kept.clear()
        self._signatures = {}


def graph_signatures(
    graph: Graph,
    classes: NodeClasses,
    declarations: Declarations,
    changed: Callable[[str], object],
) -> dict[str, Signature]:
    """Return every node's signature: class, constants, IS_CHANGED answer, and those before it.

    All nodes of the graph are looked at, also those that no output needs. A node without `inputs`
    raises KeyError, one whose `inputs` is no object AttributeError; ComfyUI's queue worker dies of
    that (restart/worker-death-cases), and so does ours.
    """
    signer = _Signer(graph, classes, declarations, changed)
    return {node_id: signer.sign(node_id) for node_id in graph}


class _Signer:
    def __init__(
        self,
        graph: Graph,
        classes: NodeClasses,
        declarations: Declarations,
        changed: Callable[[str], object],
    ) -> None:
        self._graph = graph
        self._classes = classes
        self._declarations = declarations
        self._changed = changed
        self._done: dict[str, Signature] = {}
        self._open: set[str] = set()

    def sign(self, node_id: str) -> Signature:
        if node_id in self._done:
            return self._done[node_id]
        if node_id in self._open or node_id not in self._graph:
            return _never_equal()
        self._open.add(node_id)
        digest = blake2b(repr(self._parts(node_id)).encode("utf-8", "backslashreplace")).digest()
        self._open.discard(node_id)
        self._done[node_id] = digest
        return digest

    def _parts(self, node_id: str) -> list[object]:
        node = self._graph[node_id]
        node_class = self._classes[node["class_type"]]
        parts: list[object] = [node["class_type"], _comparable(self._changed(node_id))]
        if getattr(node_class, "NOT_IDEMPOTENT", False) or self._knows_its_id(node_class):
            parts.append(node_id)
        for name, value in sorted(node["inputs"].items()):
            if is_link(value):
                parts.append((name, self.sign(value[0]), value[1]))
            else:
                parts.append((name, _comparable(value)))
        return parts

    def _knows_its_id(self, node_class: type) -> bool:
        return "UNIQUE_ID" in self._declarations.hidden(node_class).values()


def _comparable(value: object) -> object:
    """Return a value whose repr tells equal from unequal; NaN equals nothing, not even itself."""
    if isinstance(value, float) and math.isnan(value):
        return _never_equal()
    if isinstance(value, Mapping):
        return sorted((str(key), _comparable(item)) for key, item in value.items())
    if isinstance(value, list | tuple):
        return [_comparable(item) for item in value]
    return value


def _never_equal() -> Signature:
    return f"unequal-{next(_unequal)}".encode()
