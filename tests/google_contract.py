"""Google's own description of Drive v3, and exchanges held against it.

`drive.v3.json` comes with google-api-python-client. It says which calls there are, which
parameters, bodies and answers each has, what is only ever said by Google, and which scopes do.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import googleapiclient
import orjson

from comfyhouse_demo.google.fields import Mask, read_mask

Document = Mapping[str, Any]

_ROOTS = ("/upload/drive/v3/", "/drive/v3/")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_SPAN = re.compile(r"bytes (\d+-\d+|\*)/(\d+|\*)")
_TYPES = {"string": str, "boolean": bool, "integer": int, "array": list, "object": dict}
_BODY_PARTS = 256 * 1024
#: Of an existing file these are changed by parameters, as the descriptions say.
_NOT_IN_UPDATES = {"id", "parents"}


@cache
def load_description() -> Document:
    """Return `drive.v3.json`."""
    folder = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents"
    document: Document = orjson.loads((folder / "drive.v3.json").read_bytes())
    return document


def list_methods() -> list[Document]:
    """Return the descriptions of all calls."""
    resources = load_description()["resources"].values()
    return [method for one in resources for method in one.get("methods", {}).values()]


def is_drive_call(exchange: Document) -> bool:
    """Tell whether the exchange is one of Drive's API, rather than of signing in."""
    return exchange["path"].startswith(_ROOTS)


def check_exchange(exchange: Document) -> str:
    """Hold one line of the demo's log against the description; returns the id of the call."""
    assert exchange["status"] != 500 or exchange["fault"], f"the demo broke: {exchange}"
    if exchange["method"] == "PUT":
        check_chunk(exchange)
        return "chunk"
    method = find_method(exchange["method"], exchange["path"])
    check_upload(method, exchange)
    check_parameters(method, exchange)
    check_body(method, exchange)
    if 200 <= exchange["status"] < 300:
        allowed = set(method["scopes"])
        assert allowed & set(exchange["scopes"]), f"{method['id']}: none of {allowed} was given"
        check_answer(method, exchange)
    elif exchange["status"] and exchange["answer"] is not None:
        check_refusal(exchange["answer"], exchange["status"])
    return str(method["id"])


def find_method(verb: str, path: str) -> Document:
    """Return the call that this is; the one with most words of its own, where several fit."""
    rest = next(path.removeprefix(root) for root in _ROOTS if path.startswith(root))
    fitting = [
        method
        for method in list_methods()
        if method["httpMethod"] == verb
        and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", method["path"]), rest)
    ]
    assert fitting, f"there is no call {verb} {path}"
    return min(fitting, key=lambda method: method["path"].count("{"))


def check_upload(method: Document, exchange: Document) -> None:
    """Bytes go to the address of uploads, and nothing else does."""
    is_upload = exchange["path"].startswith("/upload/")
    assert is_upload == ("uploadType" in exchange["query"]), exchange["query"]
    if is_upload:
        protocols = method["mediaUpload"]["protocols"]
        assert any(exchange["path"].startswith("/upload/drive/v3/") for _ in protocols)
        assert exchange["query"]["uploadType"] in ("media", "multipart", "resumable")


def check_chunk(exchange: Document) -> None:
    """A part of a resumable upload: to the address that was given, with where it belongs."""
    assert exchange["query"].get("upload_id"), exchange["query"]
    span = exchange["headers"].get("Content-Range", "")
    found = _SPAN.fullmatch(span)
    assert found, span
    if "-" in found[1]:
        start, end = map(int, found[1].split("-"))
        is_last = found[2] != "*" and end + 1 == int(found[2])
        assert is_last or (end + 1 - start) % _BODY_PARTS == 0, span


def check_parameters(method: Document, exchange: Document) -> None:
    """Every parameter is known, current, and of its kind; those that are needed are there."""
    known = {**load_description()["parameters"], **method.get("parameters", {})}
    for name, value in exchange["query"].items():
        assert name in known, f"{method['id']} has no parameter {name}"
        assert not known[name].get("deprecated"), f"{name} of {method['id']} is deprecated"
        check_text(known[name], value, f"{method['id']} {name}")
    for name, described in known.items():
        if described.get("required") and described["location"] == "query":
            assert name in exchange["query"], f"{method['id']} needs {name}"
    if "supportsAllDrives" in known:
        assert exchange["query"].get("supportsAllDrives") == "true", method["id"]


def check_text(described: Document, value: str, where: str) -> None:
    """A parameter is written as its kind says."""
    kind = described["type"]
    if kind == "boolean":
        assert value in ("true", "false"), where
    if kind == "integer":
        assert value.isdigit(), where
        assert int(described.get("minimum", 0)) <= int(value), where
        assert int(value) <= int(described.get("maximum", 2**63)), where
    if "enum" in described:
        assert value in described["enum"], where


def check_body(method: Document, exchange: Document) -> None:
    """The body has no name that is not there, and none that only Google sets."""
    body = exchange["body"]
    if "request" not in method:
        assert body is None, f"{method['id']} takes no body"
        return
    schema = method["request"]["$ref"]
    check_value({"$ref": schema}, body or {}, method["id"], is_ours=True)
    if method["id"] == "drive.files.update":
        assert not _NOT_IN_UPDATES & set(body or {}), body


def check_answer(method: Document, exchange: Document) -> None:
    """The answer is as described, and holds nothing but what was asked for."""
    answer = exchange["answer"]
    if "response" not in method or exchange["query"].get("alt") == "media":
        assert answer is None, method["id"]
        return
    if answer is None:  # the beginning of a resumable upload
        assert exchange["query"].get("uploadType") == "resumable", method["id"]
        return
    check_value(method["response"], answer, method["id"], is_ours=False)
    if "fields" in exchange["query"]:
        mask = read_mask(exchange["query"]["fields"])
        check_mask(method["response"], mask, method["id"])
        check_masked(answer, mask, method["id"])


def check_value(schema: Document, value: object, where: str, *, is_ours: bool) -> None:
    """A value is of its described kind; `is_ours`: it was sent by us, not said by Google."""
    described = resolve(schema)
    kind = described["type"]
    if kind == "any":
        return
    if value is None:
        assert is_ours, f"{where} is null"  # null takes an entry away
        return
    assert isinstance(value, _TYPES[kind]), f"{where} is {value!r}, not {kind}"
    if isinstance(value, str):
        check_format(described.get("format", ""), value, where)
    elif isinstance(value, list):
        for one in value:
            check_value(described["items"], one, f"{where}[]", is_ours=is_ours)
    elif isinstance(value, dict):
        for name, below in value.items():
            inner = find_property(described, name)
            assert inner is not None, f"{where} has no {name}"
            if is_ours:
                assert not is_output_only(inner), f"{where}.{name} is only said by Google"
            check_value(inner, below, f"{where}.{name}", is_ours=is_ours)


def check_format(form: str, value: str, where: str) -> None:
    """Large numbers are texts of digits, instants are RFC 3339."""
    if form in ("int64", "uint64"):
        assert value.isdigit(), f"{where} is {value!r}"
    if form == "date-time":
        assert _INSTANT.fullmatch(value), f"{where} is {value!r}"


def check_mask(schema: Document, mask: Mask, where: str) -> None:
    """Every name of a mask exists."""
    described = resolve(schema)
    if described["type"] == "array":
        described = resolve(described["items"])
    for name, below in mask.items():
        if name == "*":
            continue
        inner = find_property(described, name)
        assert inner is not None, f"{where} has no field {name}"
        if below:
            check_mask(inner, below, f"{where}.{name}")


def check_masked(value: object, mask: Mask | None, where: str) -> None:
    """Nothing is said that was not asked for."""
    if mask is None or "*" in mask:
        return
    if isinstance(value, list):
        for one in value:
            check_masked(one, mask, where)
    elif isinstance(value, dict):
        assert set(value) <= set(mask), f"{where}: {set(value) - set(mask)} was not asked for"
        for name, below in value.items():
            check_masked(below, mask[name], f"{where}.{name}")


def check_refusal(answer: Document, status: int) -> None:
    """A refusal has Google's shape: it is read by its reason."""
    error = answer["error"]
    assert error["code"] == status
    assert error["message"]
    for one in error["errors"]:
        assert {"domain", "reason", "message"} <= set(one)


def find_property(described: Document, name: str) -> Document | None:
    """Return what is said of a name, be it one of many or one of a fixed few."""
    found: Document | None = described.get("properties", {}).get(name)
    return found or described.get("additionalProperties")


def is_output_only(described: Document) -> bool:
    """Tell whether only Google sets it."""
    says_so = described.get("description", "").startswith("Output only")
    return bool(described.get("readOnly") or says_so)


def resolve(schema: Document) -> Document:
    """Return the schema behind a reference."""
    if "$ref" not in schema:
        return schema
    found: Document = load_description()["schemas"][schema["$ref"]]
    return found
