"""Files in a graph: an input that names a file is written `{"file_id": "file_…"}`."""

import re
from collections.abc import Mapping
from typing import TypeGuard

_FILE_ID = re.compile(r"file_[0-9a-z]{4,60}")


def is_file_ref(value: object) -> TypeGuard[dict[str, str]]:
    """Tell whether the value is exactly `{"file_id": "file_…"}`."""
    if not isinstance(value, dict) or set(value) != {"file_id"}:
        return False
    file_id = value["file_id"]
    return isinstance(file_id, str) and _FILE_ID.fullmatch(file_id) is not None


def list_file_ids(graph: Mapping[str, Mapping[str, object]]) -> list[str]:
    """Return the ids of all files the graph reads, each once, in order of appearance."""
    found: dict[str, None] = {}
    for node in graph.values():
        inputs = node["inputs"]
        if isinstance(inputs, dict):
            found.update((one["file_id"], None) for one in inputs.values() if is_file_ref(one))
    return list(found)
