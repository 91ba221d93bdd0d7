"""docs/api/openapi.json is what the routes say, and says enough to use them."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tools import reference

DOCUMENT: dict[str, Any] = json.loads(reference.write_openapi())
METHODS = {"get", "put", "post", "delete", "patch"}


def list_operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            if method in METHODS:
                yield f"{method.upper()} {path}", operation


OPERATIONS = dict(list_operations())


def test_the_document_is_up_to_date() -> None:
    assert reference.OPENAPI.read_text() == reference.write_openapi(), "make docs"


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_is_described(name: str) -> None:
    operation = OPERATIONS[name]
    assert operation["summary"]
    assert operation["description"]
    assert operation["tags"]


def test_every_reference_leads_somewhere() -> None:
    known = {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]}
    assert set(list_references(DOCUMENT)) <= known


def list_references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for one in node.values():
            yield from list_references(one)
    elif isinstance(node, list):
        for one in node:
            yield from list_references(one)


def test_operation_ids_are_unique() -> None:
    ids = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_failure_is_a_problem_document(name: str) -> None:
    for status, response in OPERATIONS[name]["responses"].items():
        if status.startswith(("4", "5")) and "/ready" not in name:
            assert list(response["content"]) == ["application/problem+json"], status


@pytest.mark.parametrize("name", [name for name in OPERATIONS if "requestBody" in OPERATIONS[name]])
def test_a_json_body_has_an_example(name: str) -> None:
    body = OPERATIONS[name]["requestBody"]["content"].get("application/json")
    if body is not None:
        choices = body["schema"].get("anyOf", [body["schema"]])
        kinds = [resolve(kind) for kind in choices if kind != {"type": "null"}]
        assert body.get("examples") or all(kind.get("examples") for kind in kinds)


def resolve(schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return schema
    found: dict[str, Any] = DOCUMENT["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return found
