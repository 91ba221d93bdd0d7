"""In which order the nodes of a prompt run.

Output nodes as soon as they can, then what stands right before an output, then first come. That is
the order that ComfyUI 0.3.64 was seen to take, and clients see it in the frames.
"""

from collections.abc import Callable, Sequence
from typing import Any

from comfyhouse_engine.execution.graph import Graph, NodeClasses, is_link, is_output_class


class DependencyCycle(Exception):
    """Nodes wait for each other, so that none can run; `node_id` is one of them."""

    def __init__(self, node_id: str) -> None:
        super().__init__("Dependency cycle detected")
        self.node_id = node_id


class RunOrder:
    """The nodes that still have to run, and which of them waits for which.

    Nodes whose result is cached are left out, except the wanted outputs themselves.
    """

    def __init__(
        self,
        graph: Graph,
        classes: NodeClasses,
        wanted: Sequence[str],
        is_cached: Callable[[str], bool],
    ) -> None:
        self._graph = graph
        self._is_output = {
            node_id: is_output_class(classes[node["class_type"]]) for node_id, node in graph.items()
        }
        self._sources: dict[str, set[str]] = {}
        self._followers: dict[str, dict[str, None]] = {}
        for output in wanted:
            self._add(output, is_cached)

    def _add(self, output: str, is_cached: Callable[[str], bool]) -> None:
        stack = [output]
        while stack:
            node_id = stack.pop()
            if node_id in self._sources:
                continue
            found = [
                source for source in _link_sources(self._graph[node_id]) if not is_cached(source)
            ]
            self._sources[node_id] = set(found)
            self._followers.setdefault(node_id, {})
            for source in found:
                self._followers.setdefault(source, {})[node_id] = None
            stack += found

    def take_next(self) -> str | None:
        """Return the node to run next, None when all have run.

        Raises DependencyCycle: inputs that no class declares are not validated, and can close one.
        """
        if not self._sources:
            return None
        ready = [node_id for node_id, sources in self._sources.items() if not sources]
        if not ready:
            raise DependencyCycle(next(iter(self._sources)))
        return self._pick(ready)

    def finish(self, node_id: str) -> None:
        """Take a node that has run off the list and free those that waited for it."""
        del self._sources[node_id]
        for follower in self._followers[node_id]:
            self._sources[follower].discard(node_id)

    def _pick(self, ready: list[str]) -> str:
        for distance in range(3):
            for node_id in ready:
                if self._reaches_output(node_id, distance):
                    return node_id
        return ready[0]

    def _reaches_output(self, node_id: str, distance: int) -> bool:
        if distance == 0:
            return self._is_output[node_id]
        return any(self._reaches_output(next_, distance - 1) for next_ in self._followers[node_id])


def _link_sources(node: dict[str, Any]) -> list[str]:
    return [value[0] for value in node["inputs"].values() if is_link(value)]
