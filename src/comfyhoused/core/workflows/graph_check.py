"""The graph as a whole: known classes, links that lead somewhere, no circle, an output."""

import difflib
from collections.abc import Iterator

from comfyhoused.core.workflows.graph import Place
from comfyhoused.core.workflows.quoting import quote
from comfyhoused.core.workflows.rules import Rules
from comfyhoused.core.workflows.shape import RawNodes
from comfyhoused.core.workflows.wiring import (
    find_link_errors,
    list_circle,
    measure_depths,
    read_sources,
)
from comfyhoused.kit.errors import FieldError

_MOST_SUGGESTIONS = 5  # difflib is slow; a graph of 500 unknown classes must not cost seconds
_MOST_SHOWN = 20


def find_graph_errors(nodes: RawNodes, rules: Rules) -> Iterator[FieldError]:
    """Yield what is wrong with any node's class or links, stray nodes included."""
    unknown = [node_id for node_id in nodes if rules.find_class(node_id, nodes) is None]
    for count, node_id in enumerate(unknown):
        yield _describe_unknown(rules.make_place(node_id, nodes), count, rules)
    for node_id in nodes:
        yield from find_link_errors(rules.make_place(node_id, nodes), nodes)
    yield from _check_chains(nodes, rules)
    if not unknown and not rules.list_outputs(nodes):
        detail = "no node saves a result; add SaveImage at the end"
        yield FieldError(detail=detail, pointer=rules.root)


def _describe_unknown(place: Place, count: int, rules: Rules) -> FieldError:
    detail = f"there is no node class {quote(place.class_type)} here"
    if count < _MOST_SUGGESTIONS:
        known = [name for name in rules.catalogue.classes if rules.policy.allows(name)]
        close = difflib.get_close_matches(place.class_type[:80], known, n=3)
        if close:
            return place.make_error(f"{detail}; close to it are", "class_type", allowed=close)
    return place.make_error(detail, "class_type")


def _check_chains(nodes: RawNodes, rules: Rules) -> Iterator[FieldError]:
    sources = read_sources(nodes)
    circle = list_circle(sources)
    if circle:
        way = " → ".join(quote(node_id) for node_id in circle[:_MOST_SHOWN])
        detail = f"the links run in a circle: {way}"
        yield rules.make_place(circle[0], nodes).make_error(detail)
    elif max(measure_depths(sources).values()) > rules.limits.max_chain:
        # ComfyUI walks chains by recursion.
        detail = f"a chain of more than {rules.limits.max_chain} nodes is not taken"
        yield FieldError(detail=detail, pointer=rules.root)
