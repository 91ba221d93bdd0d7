"""What `up` prints when the house stands."""

import json
import shlex
from dataclasses import dataclass
from pathlib import Path

_COMMAND_PROMPT = "a red fox in the snow, watercolour"


@dataclass(frozen=True)
class Welcome:
    """What there is to show; `picture` is None where none could be made, `reason` says why.

    `google` is the address of the demo that plays Google, None where it is the real one.
    """

    url: str
    key: str
    key_file: Path
    data: Path
    picture: Path | None
    reason: str | None = None
    console: str = "/console"
    google: str | None = None


def write_welcome(welcome: Welcome) -> str:
    """Return the text: addresses, key, the first picture and a command to paste."""
    lines = ["", "Comfyhouse is up.", ""]
    lines += [f"  {name:<10}{value}" for name, value in _list_facts(welcome)]
    lines += ["", "Make another picture:", "", write_command(welcome.url, welcome.key), ""]
    return "\n".join(lines)


def write_command(url: str, key: str) -> str:
    """Return a curl command that works when it is pasted into a shell."""
    body = shlex.quote(json.dumps({"prompt": _COMMAND_PROMPT}))
    return (
        f"  curl -sS {url}/api/v1/generate \\\n"
        f"    -H 'Authorization: Bearer {key}' \\\n"
        f"    -H 'Content-Type: application/json' \\\n"
        f"    -d {body}"
    )


def _list_facts(welcome: Welcome) -> list[tuple[str, str]]:
    picture = str(welcome.picture) if welcome.picture else f"none yet: {welcome.reason}"
    drive = [("Drive", f"{welcome.google}/drive   (a demo, not Google: put photos in by hand)")]
    return [
        ("Page", f"{welcome.url}/"),
        ("Console", f"{welcome.url}{welcome.console}   (signs you in, once)"),
        ("Creator", f"{welcome.url}/creator"),
        *(drive if welcome.google else ()),
        ("API", f"{welcome.url}/api/v1"),
        ("Reference", f"{welcome.url}/docs"),
        ("Key", f"{welcome.key}   (kept in {welcome.key_file})"),
        ("Picture", picture),
        ("Data", f"{welcome.data}   (logs in {welcome.data / 'log'})"),
    ]
