"""The published JSON Schema (2020-12) of a registered workflow's inputs."""

from collections.abc import Sequence
from typing import Any

from comfyhoused.core.workflows.catalogue import Catalogue
from comfyhoused.core.workflows.graph import Scalar
from comfyhoused.core.workflows.registered.definition import DeclaredInput, Definition
from comfyhoused.core.workflows.registered.values import find_choices

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_PICTURES = {
    "image": "A file id, an https address, or a data URI with a PNG, JPEG or WebP picture",
    "mask": "A picture as for `image`; white is what is edited",
}


def make_schema(definition: Definition, catalogues: Sequence[Catalogue]) -> dict[str, Any]:
    """Return the schema of `inputs`: what it lets pass is what a run takes.

    Choices that are left to the servers are those that they offer now.
    """
    schema: dict[str, Any] = {
        "$schema": DIALECT,
        "type": "object",
        "properties": {
            one.name: _describe(one, find_choices(one, catalogues, definition.graph))
            for one in definition.inputs
        },
        "required": [one.name for one in definition.inputs if one.is_required],
        "additionalProperties": False,
    }
    if definition.title:
        schema["title"] = definition.title
    if definition.description:
        schema["description"] = definition.description
    return schema


def _describe(declared: DeclaredInput, choices: Sequence[Scalar]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "title": declared.title or None,
        "description": declared.description or _PICTURES.get(declared.type),
        **_describe_type(declared, choices),
        "x-input-type": declared.type,
    }
    if not declared.is_required and (declared.default is not None or declared.type == "seed"):
        described["default"] = declared.default
    kept = {"default"}
    return {name: value for name, value in described.items() if value is not None or name in kept}


def _describe_type(declared: DeclaredInput, choices: Sequence[Scalar]) -> dict[str, Any]:
    if declared.type in ("choice", "model"):
        return {"enum": list(choices)} if choices else {"type": ["string", "number", "boolean"]}
    if declared.type == "boolean":
        return {"type": "boolean"}
    if declared.type in ("integer", "number", "seed"):
        kind: str | list[str] = "number" if declared.type == "number" else "integer"
        if declared.type == "seed" and not declared.is_required:
            kind = ["integer", "null"]
        return {
            "type": kind,
            "minimum": declared.minimum,
            "maximum": declared.maximum,
            "multipleOf": declared.step,
        }
    if declared.is_picture:
        return {"type": "string", "minLength": 1}
    return {"type": "string", "maxLength": declared.max_length}
