"""The same request in curl, Python and JavaScript, to be copied."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pprint import pformat
from typing import Any

KEY_VARIABLE = "COMFYHOUSE_API_KEY"
_NARROW = 76


@dataclass(frozen=True, slots=True)
class Call:
    """A request of the API: `path` below /api/v1, and what the SDKs call it.

    `first` is the parameter that the SDKs' method takes by its place.
    """

    path: str
    body: Mapping[str, Any]
    method: str
    first: str


@dataclass(frozen=True, slots=True)
class Sample:
    """Code in one language."""

    name: str
    title: str
    code: str


def write_samples(base_url: str, call: Call) -> tuple[Sample, ...]:
    """Return the samples; none holds a key, all read it from the environment."""
    return (
        Sample("curl", "curl", _write_curl(base_url, call)),
        Sample("python", "Python", _write_python(base_url, call)),
        Sample("javascript", "JavaScript", _write_javascript(base_url, call)),
    )


def _write_curl(base_url: str, call: Call) -> str:
    body = shlex.quote(json.dumps(call.body, indent=2, ensure_ascii=False))
    return (
        f"curl {shlex.quote(f'{base_url}/api/v1{call.path}')} \\\n"
        f'  -H "Authorization: Bearer ${KEY_VARIABLE}" \\\n'
        "  -H 'Content-Type: application/json' \\\n"
        f"  -d {body}"
    )


def _write_python(base_url: str, call: Call) -> str:
    rest = {name: value for name, value in call.body.items() if name != call.first}
    arguments = [_write_literal(call.body.get(call.first, ""))]
    arguments += [
        f"{name}={_write_literal(value)}" if name.isidentifier() else f"**{ {name: value}!r}"
        for name, value in rest.items()
    ]
    return (
        "from comfyhouse import Client\n\n"
        f"# {KEY_VARIABLE} holds the key\n"
        f"with Client(base_url={base_url!r}) as house:\n"
        f"    job = house.{call.method}(\n"
        + "".join(f"        {one},\n" for one in arguments)
        + "    )\n"
        "    print(job.image_url)"
    )


def _write_literal(value: object) -> str:
    return pformat(value, width=_NARROW, sort_dicts=False).replace("\n", "\n        ")


def _write_javascript(base_url: str, call: Call) -> str:
    rest = {name: value for name, value in call.body.items() if name != call.first}
    first = json.dumps(call.body.get(call.first, ""), ensure_ascii=False)
    more = f", {json.dumps(rest, indent=2, ensure_ascii=False)}" if rest else ""
    return (
        'import { Client } from "@comfyhouse/client";\n\n'
        f"// {KEY_VARIABLE} holds the key\n"
        f"const house = new Client({{ baseUrl: {json.dumps(base_url)} }});\n"
        f"const job = await house.{call.method}({first}{more});\n"
        "console.log(job.image_url);"
    )
