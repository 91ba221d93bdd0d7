"""The same request in curl, Python and JavaScript, to be copied."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pprint import pformat
from typing import Any

KEY_VARIABLE = "COMFYHOUSE_API_KEY"
_NARROW = 72


@dataclass(frozen=True, slots=True)
class Call:
    """A request of the API: `path` below /api/v1, and the SDKs' method for it.

    `first` is the parameter that a waiting method takes by its place. With a `workflow` the
    method takes its name and the inputs, returns at once, and the samples wait for the job.
    """

    path: str
    body: Mapping[str, Any]
    method: str
    first: str = ""
    workflow: str = ""


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
    if call.workflow:
        arguments = [repr(call.workflow), _write_literal(call.body["inputs"])]
    else:
        arguments = [
            _write_literal(call.body.get(call.first, "")),
            *(
                f"{name}={_write_literal(value)}"
                for name, value in call.body.items()
                if name != call.first
            ),
        ]
    lines = [
        "from comfyhouse import Client",
        "",
        f"# the key comes from {KEY_VARIABLE}",
        f"with Client(base_url={base_url!r}) as house:",
        f"    job = house.{call.method}(",
        *(f"        {one}," for one in arguments),
        "    )",
        *(["    job = house.jobs.wait(job.job_id)"] if call.workflow else []),
        "    print(job.image_url)",
    ]
    return "\n".join(lines)


def _write_literal(value: object) -> str:
    return pformat(value, width=_NARROW, sort_dicts=False).replace("\n", "\n        ")


def _write_javascript(base_url: str, call: Call) -> str:
    if call.workflow:
        parts: list[object] = [call.workflow, call.body["inputs"]]
    else:
        rest = {name: value for name, value in call.body.items() if name != call.first}
        parts = [call.body.get(call.first, ""), *([rest] if rest else [])]
    arguments = ", ".join(json.dumps(part, indent=2, ensure_ascii=False) for part in parts)
    lines = [
        'import { Client } from "@comfyhouse/client";',
        "",
        f"// the key comes from {KEY_VARIABLE}",
        f"const house = new Client({{ baseUrl: {json.dumps(base_url)} }});",
        f"{'let' if call.workflow else 'const'} job = await house.{call.method}({arguments});",
        *(["job = await house.jobs.wait(job.job_id);"] if call.workflow else []),
        "console.log(job.image_url);",
    ]
    return "\n".join(lines)
