"""What a workflow is: a ComfyUI graph in API format, and the places inside it.

    {"3": {"class_type": "KSampler", "inputs": {"seed": 1, "model": ["4", 0], ...}}, ...}

A value is a scalar, a link `[node id, output index]` or, in an input that names a file,
`{"file_id": "file_…"}`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict, TypeGuard

from comfyhoused.core.workflows.quoting import quote
from comfyhoused.kit.errors import FieldError

Scalar = str | int | float | bool
Value = Scalar | list[str | int] | dict[str, str]


class Node(TypedDict):
    """One node of a graph. Editor-only keys such as `_meta` are left out."""

    class_type: str
    inputs: dict[str, Value]


Graph = dict[str, Node]


@dataclass(frozen=True)
class Workflow:
    """A graph that passed every check. Its `graph` is plain JSON: store it, and wrap it again."""

    graph: Graph


@dataclass(frozen=True)
class Place:
    """A node of the graph that is being checked; makes the errors that point into it."""

    root: str
    node_id: str
    class_type: str = ""

    def make_error(
        self, detail: str, *path: str, allowed: Sequence[object] | None = None
    ) -> FieldError:
        """Return an error at `path` below the node, e.g. `("inputs", "seed")`."""
        steps = "".join(f"/{escape_step(step)}" for step in (self.node_id, *path))
        error = FieldError(
            detail=detail, pointer=self.root + steps, node_id=quote(self.node_id, marks="")
        )
        if self.class_type:
            error["class_type"] = quote(self.class_type, marks="")
        if allowed is not None:
            error["allowed"] = [str(choice) for choice in allowed]
        return error


def escape_step(step: str) -> str:
    """Return one step of a JSON Pointer (RFC 6901), cut and made printable."""
    return quote(step, marks="").replace("~", "~0").replace("/", "~1")


def is_link(value: object) -> TypeGuard[list[str | int]]:
    """Tell whether the value is a well-formed link. ComfyUI takes every list for one."""
    return (
        isinstance(value, list)
        and len(value) == 2
        and isinstance(value[0], str)
        and type(value[1]) is int
        and value[1] >= 0
    )


def list_links(inputs: Mapping[str, object]) -> Iterator[tuple[str, str, int]]:
    """Yield (input name, source node id, output index) of every well-formed link."""
    for name, value in inputs.items():
        if is_link(value):
            yield name, str(value[0]), int(value[1])
