"""Which workflows take about equally long: the same nodes, models and sizes, other words."""

import json

from blake3 import blake3

from comfyhoused.core.workflows.files import is_file_ref
from comfyhoused.core.workflows.graph import Graph

_SEEDS = frozenset({"seed", "noise_seed"})
_WORDS = frozenset(
    {"text", "text_g", "text_l", "clip_l", "t5xxl", "prompt", "negative_prompt", "filename_prefix"}
)
_TINTS = frozenset({"color"})


def name_run_kind(graph: Graph) -> str:
    """Return a name that graphs share which differ only in texts, seeds, colours and files."""
    nodes = [
        (node["class_type"], {name: _blank(name, value) for name, value in node["inputs"].items()})
        for _, node in sorted(graph.items())
    ]
    return blake3(json.dumps(nodes, sort_keys=True).encode()).hexdigest()[:16]


def _blank(name: str, value: object) -> object:
    if name in _SEEDS | _WORDS | _TINTS or is_file_ref(value):
        return None
    return value
