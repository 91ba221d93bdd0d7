"""The API reference at /docs, read out of the OpenAPI document and served without a CDN."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response

from comfyhoused.api.console.pages import render_page
from comfyhoused.api.console.schema_words import describe_type
from comfyhoused.api.house import House

router = APIRouter(include_in_schema=False)

_REF = "#/components/schemas/"
_METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Field:
    """A row: a parameter or a field of a document."""

    name: str
    type: str
    is_required: bool
    words: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class Shape:
    """A document that is sent or answered; `example` is JSON, or empty."""

    name: str
    words: str
    fields: tuple[Field, ...]
    example: str


@dataclass(frozen=True, slots=True)
class Answer:
    """One status that an operation may answer."""

    status: str
    words: str
    shape: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One method at one path. `bodies` names the shapes it takes, `files` its other kinds."""

    id: str
    method: str
    path: str
    title: str
    words: str
    tag: str
    parameters: tuple[Field, ...]
    bodies: tuple[str, ...]
    files: tuple[str, ...]
    answers: tuple[Answer, ...]
    needs_key: bool


@router.get("/docs")
async def show_reference(request: Request, house: House) -> Response:
    """Show every operation and every document of the API."""
    document = request.app.openapi()
    operations = tuple(list_operations(document))
    return render_page(
        request,
        house,
        "reference.html",
        about=document["info"]["description"],
        groups=_group(operations),
        shapes={shape.name: shape for shape in list_shapes(document)},
    )


def list_operations(document: dict[str, Any]) -> Iterator[Operation]:
    """Yield the operations of an OpenAPI document, in its order."""
    for path, methods in document["paths"].items():
        for method in _METHODS:
            if method in methods:
                yield _make_operation(method, path, methods[method])


def list_shapes(document: dict[str, Any]) -> Iterator[Shape]:
    """Yield the documents that the operations speak of."""
    for name, schema in document["components"]["schemas"].items():
        if schema.get("type") != "object":
            continue
        required = schema.get("required", ())
        fields = tuple(
            _make_field(key, part, key in required)
            for key, part in schema.get("properties", {}).items()
        )
        examples = schema.get("examples") or [None]
        example = json.dumps(examples[0], indent=2, ensure_ascii=False) if examples[0] else ""
        yield Shape(name, schema.get("description", ""), fields, example)


def _make_operation(method: str, path: str, raw: dict[str, Any]) -> Operation:
    content = raw.get("requestBody", {}).get("content", {})
    body = content.get("application/json", {}).get("schema", {})
    return Operation(
        id=f"{method}{path.replace('/', '-').replace('{', '').replace('}', '')}",
        method=method.upper(),
        path=path,
        title=raw.get("summary", ""),
        words=raw.get("description", ""),
        tag=(raw.get("tags") or ["Other"])[0],
        parameters=tuple(
            _make_field(one["name"], one, one.get("required", False), one["in"])
            for one in raw.get("parameters", ())
        ),
        bodies=tuple(_list_names(body)),
        files=tuple(kind for kind in content if kind != "application/json"),
        answers=tuple(_list_answers(raw["responses"])),
        needs_key=bool(raw.get("security")),
    )


def _make_field(name: str, raw: dict[str, Any], is_required: bool, place: str = "") -> Field:
    schema = raw.get("schema", raw)
    words = raw.get("description") or schema.get("description", "")
    return Field(name, describe_type(schema), is_required, words, place)


def _list_names(schema: dict[str, Any]) -> Iterator[str]:
    """Yield the names of the shapes that a schema refers to."""
    for one in (schema, *schema.get("anyOf", ()), *schema.get("oneOf", ())):
        if "$ref" in one:
            yield one["$ref"].removeprefix(_REF)


def _list_answers(responses: dict[str, Any]) -> Iterator[Answer]:
    for status, raw in sorted(responses.items()):
        schemas = [part.get("schema", {}) for part in raw.get("content", {}).values()]
        names = [name for schema in schemas for name in _list_names(schema)]
        yield Answer(status, raw.get("description", ""), names[0] if names else "")


def _group(operations: tuple[Operation, ...]) -> dict[str, list[Operation]]:
    groups: dict[str, list[Operation]] = {}
    for operation in operations:
        groups.setdefault(operation.tag, []).append(operation)
    return groups
