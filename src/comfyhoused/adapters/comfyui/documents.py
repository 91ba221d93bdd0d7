"""JSON as ComfyUI writes it, and careful ways into it."""

import json
from collections.abc import Mapping

import orjson

from comfyhoused.adapters.comfyui.errors import BackendBroken, GraphRefused

Document = dict[str, object]
EMPTY: Mapping[str, object] = {}


def parse_json(data: bytes | str) -> object:
    """Return the value; raises BackendBroken.

    The quick parser is strict; the second one takes the bare NaN of a history entry (6) and
    lone surrogates, both of which ComfyUI hands back as it got them.
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        pass
    try:
        value: object = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BackendBroken("The ComfyUI server answered with something that is not JSON.") from (
            error
        )
    return value


def make_json(value: object) -> bytes:
    """Return the value as JSON; raises GraphRefused for what JSON cannot carry."""
    try:
        return orjson.dumps(value)
    except TypeError as error:
        raise GraphRefused(f"The workflow cannot be written as JSON: {error}.", []) from error


def find_mapping(value: object, key: str) -> Mapping[str, object]:
    """Return the object under a key, or an empty one."""
    inner = value.get(key) if isinstance(value, dict) else None
    return inner if isinstance(inner, dict) else EMPTY


def find_list(value: object, key: str) -> list[object]:
    """Return the list under a key, or an empty one."""
    inner = value.get(key) if isinstance(value, dict) else None
    return inner if isinstance(inner, list) else []


def find_text(value: object, key: str) -> str | None:
    """Return the text under a key, or None."""
    inner = value.get(key) if isinstance(value, dict) else None
    return inner if isinstance(inner, str) else None


def list_texts(values: object) -> tuple[str, ...]:
    """Return the texts of a list, skipping what is none."""
    items = values if isinstance(values, list) else []
    return tuple(item for item in items if isinstance(item, str))
