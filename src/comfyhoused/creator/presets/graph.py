"""From a preset and a photo to the graph that a server runs."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from comfyhoused.core.workflows.graph import Graph, Value
from comfyhoused.creator.presets.parameters import check_parameters
from comfyhoused.creator.presets.preset import Preset, Target


def make_graph(
    preset: Preset, *, file_id: str, strength: int, parameters: Mapping[str, Any]
) -> Graph:
    """Return the preset's graph over one photo: plain JSON in API format, made anew.

    The photo goes in as `{"file_id": …}`; the same arguments always give the same graph. Raises
    InvalidPresetParameters.
    """
    values = check_parameters(preset, strength, parameters)
    graph = deepcopy(preset.graph)
    _put(graph, preset.image, {"file_id": file_id})
    _put(graph, preset.strength, strength)
    for one in preset.parameters:
        _put(graph, one.target, values[one.name])
    return graph


def _put(graph: Graph, target: Target, value: Value) -> None:
    graph[target.node]["inputs"][target.field] = value
