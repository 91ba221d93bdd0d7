"""A workflow in the editor's save format, taken where the API's is expected."""

from collections.abc import Mapping, Sequence
from typing import Any

from comfyhoused.core.workflows.catalogue import Catalogue
from comfyhoused.core.workflows.saved_conversion import convert, make_error
from comfyhoused.core.workflows.saved_graph import SavedGraph, parse_saved_graph
from comfyhoused.kit.errors import FieldError, Unprocessable

_MOST_NODES = 2000
_MOST_ERRORS = 50


class WorkflowIsSaveFormat(Unprocessable):
    """The editor's save format, and not to be converted without doubt: export it for the API."""

    code = "workflow_is_save_format"
    title = "This is the format in which ComfyUI's editor saves"


def convert_saved(
    document: Mapping[str, object], catalogues: Sequence[Catalogue], root: str
) -> dict[str, Any]:
    """Return the graph in API format, by the first server that knows how.

    Raises WorkflowIsSaveFormat with the errors of the server that comes closest.
    """
    saved = read_saved(document, root)
    fewest: list[FieldError] | None = None
    for catalogue in catalogues:
        conversion = convert(saved, catalogue, root)
        if not conversion.errors:
            return conversion.graph
        if fewest is None or len(conversion.errors) < len(fewest):
            fewest = conversion.errors
    raise make_refusal(fewest or [FieldError(detail="no server is known", pointer=root)])


def read_saved(document: Mapping[str, object], root: str) -> SavedGraph:
    """Return the parsed file; raises WorkflowIsSaveFormat for one of far too many nodes."""
    nodes = document["nodes"]
    if isinstance(nodes, list) and len(nodes) > _MOST_NODES:
        detail = f"it has {len(nodes)} nodes; at most {_MOST_NODES} are looked at"
        raise make_refusal([FieldError(detail=detail, pointer=root)])
    return parse_saved_graph(document)


def make_refusal(errors: Sequence[FieldError]) -> WorkflowIsSaveFormat:
    """Return the error that says why, and what to send instead."""
    first = errors[0]
    where = f"node {first['node_id']} ({first['class_type']}): " if "class_type" in first else ""
    return WorkflowIsSaveFormat(
        f"It could not be converted: {where}{first['detail']}. In ComfyUI choose "
        "Workflow → Export (API) and send that file.",
        errors=errors[:_MOST_ERRORS],
    )


def point_at_file(saved: SavedGraph, errors: Sequence[FieldError], root: str) -> list[FieldError]:
    """Return errors of the converted graph as errors of the file: `/workflow/nodes/2`."""
    return [_point(saved, error, root) for error in errors]


def _point(saved: SavedGraph, error: FieldError, root: str) -> FieldError:
    node = saved.nodes.get(error.get("node_id", ""))
    if node is None:
        return FieldError(**{**error, "pointer": root})
    path = error.get("pointer", "").removeprefix(f"{root}/{node.id}").strip("/")
    name = path.removeprefix("inputs").strip("/")
    moved = make_error(root, node, f"{name}: {error['detail']}" if name else error["detail"])
    if "allowed" in error:
        moved["allowed"] = error["allowed"]
    return moved
