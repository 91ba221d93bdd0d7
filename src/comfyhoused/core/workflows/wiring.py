"""The links of a workflow: where they lead, what they carry, and that they make no circle."""

from collections.abc import Iterable, Iterator, Mapping

from comfyhoused.core.workflows.catalogue import Catalogue
from comfyhoused.core.workflows.graph import Place, is_link, list_links
from comfyhoused.core.workflows.inputs import InputSpec
from comfyhoused.core.workflows.quoting import quote
from comfyhoused.core.workflows.shape import RawNodes
from comfyhoused.kit.errors import FieldError

Sources = Mapping[str, tuple[str, ...]]
"""For every node the nodes it takes something from, each once."""


def read_sources(nodes: RawNodes) -> Sources:
    """Return who feeds whom; links that are malformed or lead nowhere are left out."""
    return {
        node_id: tuple(
            dict.fromkeys(source for _, source, _ in list_links(_inputs(node)) if source in nodes)
        )
        for node_id, node in nodes.items()
    }


def _inputs(node: Mapping[str, object]) -> Mapping[str, object]:
    inputs = node["inputs"]
    return inputs if isinstance(inputs, dict) else {}


def find_link_errors(place: Place, nodes: RawNodes) -> Iterator[FieldError]:
    """Yield the links of one node that are no links or lead nowhere. ComfyUI takes every list
    for a link, whatever the input.
    """
    for name, value in _inputs(nodes[place.node_id]).items():
        if not isinstance(value, list):
            continue
        if not is_link(value):
            yield place.make_error('a link is ["node id", output index]', "inputs", name)
        elif value[0] not in nodes:
            detail = f"the link leads to node {quote(value[0])}, which does not exist"
            yield place.make_error(detail, "inputs", name)


def find_link_fault(
    spec: InputSpec, link: list[str | int], nodes: RawNodes, catalogue: Catalogue
) -> str | None:
    """Return what is wrong with a link for this input, or None. The source node exists."""
    if spec.is_file:
        return 'names a file and takes no link; write {"file_id": "file_…"}'
    source = catalogue.classes.get(str(nodes[str(link[0])]["class_type"]))
    if source is None:
        return None  # the unknown class is an error of its own
    index = int(link[1])
    if index >= len(source.outputs):
        known = f"has {len(source.outputs)} outputs, counted from 0"
        return f"output {quote(index)} does not exist: node {quote(link[0])} {known}"
    given = source.outputs[index]
    if not _fits(given, spec.type):
        return f"needs {quote(spec.type)}, but the link gives {quote(given)}"
    return None


def _fits(given: str, wanted: str) -> bool:
    """Follow ComfyUI: `*` is anything, a comma separates alternatives. But a choice is never
    left to a link that may carry anything: its check would be lost.
    """
    if wanted != "COMBO" and "*" in (given, wanted):
        return True
    given_types = {one.strip() for one in given.split(",")}
    return not given_types.isdisjoint(one.strip() for one in wanted.split(","))


def list_reached(outputs: Iterable[str], sources: Sources) -> set[str]:
    """Return the nodes that some output node needs, the output nodes included."""
    reached: set[str] = set()
    waiting = list(outputs)
    while waiting:
        node_id = waiting.pop()
        if node_id not in reached:
            reached.add(node_id)
            waiting.extend(sources[node_id])
    return reached


def measure_depths(sources: Sources) -> dict[str, int]:
    """Return for every node the length of the longest chain that ends there, in nodes.

    A node in a circle, or fed by one, has no depth and is left out.
    """
    fed: dict[str, list[str]] = {node_id: [] for node_id in sources}
    for node_id, feeders in sources.items():
        for feeder in feeders:
            fed[feeder].append(node_id)
    missing = {node_id: len(feeders) for node_id, feeders in sources.items()}
    ready = [node_id for node_id, count in missing.items() if count == 0]
    depths = dict.fromkeys(ready, 1)
    for node_id in ready:  # grows while it is walked
        for follower in fed[node_id]:
            missing[follower] -= 1
            depths[follower] = max(depths.get(follower, 0), depths[node_id] + 1)
            if missing[follower] == 0:
                ready.append(follower)
    return {node_id: depths[node_id] for node_id in ready}


def list_circle(sources: Sources) -> list[str]:
    """Return the nodes of one circle, in order; none where the graph has no circle."""
    stuck = sources.keys() - measure_depths(sources).keys()
    if not stuck:
        return []
    walked: list[str] = []
    node_id = min(stuck)
    while node_id not in walked:
        walked.append(node_id)
        node_id = next(feeder for feeder in sources[node_id] if feeder in stuck)
    return walked[walked.index(node_id) :]
