"""Where the values of a node's inputs come from: constants, earlier results, the run itself."""

from collections.abc import Callable
from typing import Any

from comfyhouse_engine.execution.cache import NodeCache
from comfyhouse_engine.execution.calling import InputLists
from comfyhouse_engine.execution.graph import Declarations, Graph, InputSpec, is_link


class InputSources:
    """The inputs of one prompt's nodes, each as a list of values.

    `extra_data` is whatever was posted; a list instead of an object makes nodes fail that want
    something of it (restart/worker-death-cases, x5).
    """

    def __init__(
        self, graph: Graph, extra_data: Any, cache: NodeCache, declarations: Declarations
    ) -> None:
        self._graph = graph
        self._extra_data = extra_data
        self._cache = cache
        self._declarations = declarations

    def gather(self, node_id: str, node_class: type) -> InputLists:
        """Return all inputs of a node that is about to run."""
        known = self._declarations.inputs(node_class)
        gathered: InputLists = {}
        for name, value in self._graph[node_id]["inputs"].items():
            if is_link(value) and not _is_raw_link(known.get(name)):
                kept = self._cache.find(value[0])
                if kept is not None:
                    gathered[name] = kept.result.outputs[int(value[1])]
            elif name in known:
                gathered[name] = [value]
        return gathered | self._gather_hidden(node_id, node_class)

    def gather_constants(self, node_id: str, node_class: type) -> InputLists:
        """Return what IS_CHANGED may see: constants, and None for links."""
        known = self._declarations.inputs(node_class)
        constants: InputLists = {
            name: [None if is_link(value) else value]
            for name, value in self._graph[node_id]["inputs"].items()
            if name in known
        }
        return constants | self._gather_hidden(node_id, node_class)

    def _gather_hidden(self, node_id: str, node_class: type) -> InputLists:
        extra = self._extra_data
        sources: dict[str, Callable[[], Any]] = {
            "PROMPT": lambda: self._graph,
            "DYNPROMPT": lambda: self._graph,
            "EXTRA_PNGINFO": lambda: extra.get("extra_pnginfo"),
            "UNIQUE_ID": lambda: node_id,
            "AUTH_TOKEN_COMFY_ORG": lambda: extra.get("auth_token_comfy_org"),
            "API_KEY_COMFY_ORG": lambda: extra.get("api_key_comfy_org"),
        }
        hidden = self._declarations.hidden(node_class)
        return {name: [sources[kind]()] for name, kind in hidden.items() if kind in sources}


def _is_raw_link(spec: InputSpec | None) -> bool:
    return spec is not None and bool(spec.options.get("rawLink", False))
