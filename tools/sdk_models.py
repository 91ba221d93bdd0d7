"""Writes what the SDKs know of the API's answers from the OpenAPI document: `make docs`.

Both languages come from the same components, so that neither can lag behind the server.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools import reference
from tools.formatting import format_python

ROOT = Path(__file__).resolve().parents[1]
PYTHON = ROOT / "sdk" / "python" / "src" / "comfyhouse" / "schema.py"
JAVASCRIPT = ROOT / "sdk" / "javascript" / "src" / "schema.ts"

Schema = dict[str, Any]
#: FastAPI's own, which our handlers replace, and forms that are sent as multipart.
_SKIPPED = ("HTTPValidationError", "ValidationError", "Body_")
#: What people would call it; `Response` is dropped from all others.
_NAMES = {"ProblemDocument": "ProblemDetails"}


def list_components(*, only_answers: bool = False) -> dict[str, Schema]:
    """Return the components of the document by the name they have in the SDKs."""
    document = json.loads(reference.write_openapi())
    components: dict[str, Schema] = document["components"]["schemas"]
    wanted = set(components)
    if only_answers:
        wanted = _find_reachable(list_answers(document), components)
    return {
        name_class(name): schema
        for name, schema in components.items()
        if name in wanted and not name.startswith(_SKIPPED)
    }


def list_answers(document: Schema) -> list[Schema]:
    """Return the schemas of everything that is answered."""
    return [
        content["schema"]
        for item in document["paths"].values()
        for operation in item.values()
        for response in operation["responses"].values()
        for content in response.get("content", {}).values()
        if "schema" in content
    ]


def _find_reachable(roots: list[Schema], components: dict[str, Schema]) -> set[str]:
    found: set[str] = set()
    waiting = list(_list_references(roots))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _list_references(components[name])
    return found


def _list_references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"].rsplit("/", 1)[1]
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _list_references(one)


def name_class(name: str) -> str:
    """Return what a component is called in the SDKs."""
    flat = name.replace("-Input", "Input").replace("-Output", "")
    return _NAMES.get(flat, flat.removesuffix("Response"))


def write_python() -> str:
    """Return the module of pydantic models."""
    lines = [
        "# Written from the OpenAPI document by `make docs`: change the server's schemas.",
        '"""What the server answers, typed; field for field what the API documents."""',
        "",
        "from __future__ import annotations",
        "",
        "from datetime import datetime",
        "from typing import Any, Literal",
        "",
        "from pydantic import Field",
        "",
        "from comfyhouse.answers import Answer, JobAnswer",
    ]
    for name, schema in list_components(only_answers=True).items():
        lines += ["", "", *_write_class(name, schema)]
    return format_python("\n".join(lines) + "\n", PYTHON)


def _write_class(name: str, schema: Schema) -> Iterator[str]:
    if "properties" not in schema:
        yield f"{name} = {_make_python_type(schema)}"
        return
    yield f"class {name}({'JobAnswer' if name == 'Job' else 'Answer'}):"
    yield f'    """{_get_first_sentence(schema, name)}"""'
    yield ""
    required = set(schema.get("required", ()))
    for field, kind in schema["properties"].items():
        declared = f"    {_name_field(field)}: {_make_python_type(kind)}"
        if field in required:
            yield declared
        elif "default" in kind:
            yield f"{declared} = {_write_default(kind['default'])}"
        else:
            yield f"{declared.removesuffix(' | None')} | None = None"


def _name_field(field: str) -> str:
    return f"{field}_" if field in ("schema", "json", "copy") else field


def _write_default(value: Any) -> str:
    if value in ([], {}):
        return f"Field(default_factory={type(value).__name__})"
    return repr(value)


def _make_python_type(schema: Schema) -> str:
    if "$ref" in schema:
        return name_class(schema["$ref"].rsplit("/", 1)[1])
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return " | ".join(dict.fromkeys(_make_python_type(one) for one in schema[word]))
    if "const" in schema or "enum" in schema:
        values = schema.get("enum", [schema.get("const")])
        return f"Literal[{', '.join(_quote(value) for value in values)}]"
    match schema.get("type"):
        case "array":
            return f"list[{_make_python_type(schema.get('items', {}))}]"
        case "object":
            return f"dict[str, {_make_python_type(_get_values(schema))}]"
        case "string":
            return "datetime" if schema.get("format") == "date-time" else "str"
        case other:
            return {
                "integer": "int",
                "number": "float",
                "boolean": "bool",
                "null": "None",
            }.get(str(other), "Any")


def write_javascript() -> str:
    """Return the module of TypeScript interfaces."""
    lines = [
        "// Written from the OpenAPI document by `make docs`: change the server's schemas.",
        "/** What the server takes and answers, field for field; instants are ISO 8601. */",
    ]
    for name, schema in list_components().items():
        lines += ["", f"/** {_get_first_sentence(schema, name)} */"]
        if "properties" not in schema:
            lines.append(f"export type {name} = {_make_script_type(schema)};")
            continue
        lines.append(f"export interface {name} {{")
        required = set(schema.get("required", ()))
        for field, kind in schema["properties"].items():
            mark = "" if field in required else "?"
            lines.append(f"  {field}{mark}: {_make_script_type(kind)};")
        lines.append("}")
    return "\n".join(lines) + "\n"


def _make_script_type(schema: Schema) -> str:
    if "$ref" in schema:
        return name_class(schema["$ref"].rsplit("/", 1)[1])
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return " | ".join(dict.fromkeys(_make_script_type(one) for one in schema[word]))
    if "const" in schema or "enum" in schema:
        values = schema.get("enum", [schema.get("const")])
        return " | ".join(_quote(value) for value in values)
    match schema.get("type"):
        case "array":
            inner = _make_script_type(schema.get("items", {}))
            return f"({inner})[]" if " " in inner else f"{inner}[]"
        case "object":
            return f"Record<string, {_make_script_type(_get_values(schema))}>"
        case other:
            return {
                "string": "string",
                "integer": "number",
                "number": "number",
                "boolean": "boolean",
                "null": "null",
            }.get(str(other), "unknown")


def _get_values(schema: Schema) -> Schema:
    values = schema.get("additionalProperties", {})
    return values if isinstance(values, dict) else {}


def _get_first_sentence(schema: Schema, name: str) -> str:
    text = " ".join(str(schema.get("description", "")).split()) or f"{name}."
    return text.split(". ")[0].rstrip(".").replace("*/", "").replace('"', "'") + "."


def _quote(value: Any) -> str:
    return json.dumps(value) if isinstance(value, str) else repr(value)


def main() -> None:
    """Write both."""
    PYTHON.write_text(write_python())
    JAVASCRIPT.write_text(write_javascript())


if __name__ == "__main__":
    main()
