"""The OpenAPI document of one registered workflow: its endpoint, with its own inputs."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from comfyhoused.core.workflows.registered.records import Registration

_PATH = "/api/v1/workflows/{name}/jobs"
_COMPONENTS = "#/components/schemas/"


def describe_endpoint(
    document: Mapping[str, Any], found: Registration, schema: Mapping[str, Any], base_url: str
) -> dict[str, Any]:
    """Return a document with the one operation that runs this version.

    `document` is that of the whole house, `schema` that of the inputs. What the operation
    does not need is left out.
    """
    operation = deepcopy(document["paths"][_PATH]["post"])
    title = found.definition.title or found.name
    operation["summary"] = title
    if found.definition.description:
        operation["description"] = found.definition.description
    operation["operationId"] = f"run_{found.name.replace('-', '_')}"
    operation["parameters"] = [one for one in operation["parameters"] if one["in"] == "header"]
    operation["requestBody"] = _describe_body(document, schema)
    path = f"/api/v1/workflows/{found.name}@{found.version}/jobs"
    schemas = document["components"]["schemas"]
    return {
        "openapi": document["openapi"],
        "info": {"title": title, "version": str(found.version)},
        "servers": [{"url": base_url}],
        "paths": {path: {"post": operation}},
        "components": {
            "schemas": {name: schemas[name] for name in sorted(_list_needed(operation, schemas))},
            "securitySchemes": document["components"]["securitySchemes"],
        },
    }


def _describe_body(document: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    run = deepcopy(document["components"]["schemas"]["WorkflowRun"])
    run.pop("examples", None)
    run["properties"]["inputs"] = {key: one for key, one in schema.items() if key != "$schema"}
    if schema["required"]:
        run["required"] = ["inputs"]
    return {"required": True, "content": {"application/json": {"schema": run}}}


def _list_needed(operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> set[str]:
    needed: set[str] = set()
    waiting = [*_list_references(operation)]
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting.extend(_list_references(schemas[name]))
    return needed


def _list_references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        reference = node.get("$ref")
        if isinstance(reference, str):
            yield reference.removeprefix(_COMPONENTS)
        for one in node.values():
            yield from _list_references(one)
    elif isinstance(node, list):
        for one in node:
            yield from _list_references(one)
