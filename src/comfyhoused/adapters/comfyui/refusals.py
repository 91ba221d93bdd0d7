"""Why the server refused a graph: the 400 body of POST /prompt as errors a customer can use.

`error.details` is usually empty, the facts are in `node_errors` (3). What the server says about
choices is left out: a file input's choices are everybody's uploads.
"""

import re
from collections.abc import Iterator, Mapping

from comfyhoused.adapters.comfyui.documents import find_list, find_mapping, find_text
from comfyhoused.adapters.comfyui.redaction import redact
from comfyhoused.kit.errors import FieldError

_NODE_ID = re.compile(r"Node ID '#(.*)'$")
_SHOWN_VALUE_CHARACTERS = 80

_SENTENCES = {
    "required_input_missing": "The input {name} is missing.",
    "value_not_in_list": "The input {name} does not take {value}.",
    "return_type_mismatch": "The input {name} is linked to an output of the wrong type.",
    "bad_linked_input": "The input {name} needs a link: [node id, output index].",
    "exception_during_inner_validation": (
        "What the input {name} is linked to does not exist or cannot be checked."
    ),
    "exception_during_validation": "The node cannot be checked; is its `inputs` object missing?",
    "invalid_input_type": "The input {name} cannot be read from {value}.",
    "dependency_cycle": "The nodes depend on each other in a circle.",
}


def is_attempt_seen(document: object) -> bool:
    """Tell whether the server found no prompt in a body that had one: the fence took it out."""
    return find_text(find_mapping(document, "error"), "type") == "no_prompt"


def list_refusals(document: object) -> list[FieldError]:
    """Return one error for each thing that the server found wrong; may be empty (3: a cycle)."""
    found = [
        error
        for node_id, report in find_mapping(document, "node_errors").items()
        if isinstance(report, dict)
        for error in _iterate_node_errors(node_id, report)
    ]
    return found or _list_general_errors(find_mapping(document, "error"))


def describe_refusal(document: object) -> str:
    """Return one sentence about the whole refusal."""
    error = find_mapping(document, "error")
    if not find_mapping(document, "node_errors"):
        if find_text(error, "type") == "prompt_outputs_failed_validation":
            return "The ComfyUI server refused the workflow without a reason; is there a cycle?"
        if find_text(error, "type") == "prompt_no_outputs":
            return "The workflow has no output node."
    return redact(find_text(error, "message") or "The ComfyUI server refused the workflow.")


def _iterate_node_errors(node_id: str, report: Mapping[str, object]) -> Iterator[FieldError]:
    for error in find_list(report, "errors"):
        extra = find_mapping(error, "extra_info")
        name = find_text(extra, "input_name")
        entry = FieldError(
            detail=_describe(error, name, extra.get("received_value")),
            pointer=_make_pointer(node_id, name),
            node_id=node_id,
        )
        class_type = find_text(report, "class_type")
        if class_type is not None:
            entry["class_type"] = class_type
        yield entry


def _describe(error: object, name: str | None, value: object) -> str:
    kind = find_text(error, "type") or ""
    if kind in _SENTENCES:
        return _SENTENCES[kind].format(name=name, value=_show(value))
    message = find_text(error, "message") or "The server finds this wrong."
    if kind in ("value_bigger_than_max", "value_smaller_than_min"):
        return f"The input {name}: {redact(message)}."
    details = redact(find_text(error, "details") or "", 200)
    return f"{redact(message)}: {details}" if details else redact(message)


def _show(value: object) -> str:
    text = repr(value)
    if len(text) > _SHOWN_VALUE_CHARACTERS:
        return text[: _SHOWN_VALUE_CHARACTERS - 1] + "…"
    return text


def _list_general_errors(error: Mapping[str, object]) -> list[FieldError]:
    """Errors found before any node was checked name their node in the text only (300, 301)."""
    extra = find_mapping(error, "extra_info")
    match_ = _NODE_ID.search(find_text(error, "details") or "")
    node_id = find_text(extra, "node_id") or (match_.group(1) if match_ else None)
    if node_id is None:
        return []
    message = redact(find_text(error, "message") or "The server cannot run this node.")
    entry = FieldError(detail=message, pointer=_make_pointer(node_id, None), node_id=node_id)
    class_type = find_text(extra, "class_type")
    if class_type is not None:
        entry["class_type"] = class_type
    return [entry]


def _make_pointer(node_id: str, name: str | None) -> str:
    parts = ["workflow", node_id] + (["inputs", name] if name is not None else [])
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)
