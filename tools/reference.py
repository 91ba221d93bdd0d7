"""Writes the reference parts of the documentation from the code: `make docs`.

docs/settings.md and .env.example come from the settings' model, docs/errors.md from the tree of
errors, docs/api/openapi.json from the routes. What stands outside the marked block of a page is
written by hand and kept.
"""

import importlib
import json
import pkgutil
import re
from functools import cache
from pathlib import Path

from pydantic import SecretStr
from pydantic.fields import FieldInfo

import comfyhoused
from comfyhoused.app import create_app
from comfyhoused.kit import errors
from comfyhoused.settings import GROUPS

ROOT = Path(__file__).resolve().parents[1]
SETTINGS_PAGE = ROOT / "docs" / "settings.md"
ERRORS_PAGE = ROOT / "docs" / "errors.md"
ENV_EXAMPLE = ROOT / ".env.example"
OPENAPI = ROOT / "docs" / "api" / "openapi.json"

_BEGIN, _END = "<!-- begin: written by `make docs` -->", "<!-- end -->"
_NEVER_SENT = "comfyhoused.embedded"  # ends in a sentence of `comfyhoused up`
_TREE_LINE = re.compile(r"[├└]── (\w+) +(\d{3})  (.+)")


def write_settings_block() -> str:
    """Return one table a group: variable, default, meaning."""
    parts = []
    for group in GROUPS:
        parts += [
            f"## {_get_title(group)}",
            "",
            "| variable | default | meaning |",
            "|---|---|---|",
        ]
        for name, field in group.model_fields.items():
            default = f"`{write_default(field)}`" if write_default(field) else "not set"
            parts.append(f"| `{get_variable(name)}` | {default} | {_escape(field.description)} |")
        parts.append("")
    return "\n".join(parts)


def write_env_example() -> str:
    """Return a `.env` with every setting, commented out at its default."""
    parts = [
        "# Copy this file to .env and uncomment what you change; docs/settings.md says more.",
        "# A variable of the environment wins over this file.",
    ]
    for group in GROUPS:
        parts += ["", f"# --- {_get_title(group)} ---"]
        for name, field in group.model_fields.items():
            parts += [f"# {field.description}", f"#{get_variable(name)}={write_default(field)}"]
    return "\n".join(parts) + "\n"


def write_errors_block() -> str:
    """Return one table of every code, in the order of status and code."""
    rows = ["| code | status | try again? | title | when |", "|---|--:|---|---|---|"]
    for error in list_documented_errors():
        again = "yes" if error.retryable else "no"
        when = _escape(describe_error(error))
        rows.append(f"| `{error.code}` | {error.status} | {again} | {error.title} | {when} |")
    return "\n".join(rows) + "\n"


@cache
def write_openapi() -> str:
    """Return the OpenAPI document of the API as JSON for people to read."""
    return json.dumps(create_app().openapi(), indent=2, ensure_ascii=False) + "\n"


def list_documented_errors() -> list[type[errors.ComfyhouseError]]:
    """Import the whole server and return every error class that a customer may see."""
    for module in pkgutil.walk_packages(comfyhoused.__path__, "comfyhoused."):
        if not module.name.endswith(("__main__", "migrations.env")):  # programs, not modules
            importlib.import_module(module.name)
    _root, *below = errors.list_error_classes()  # only leaves of the root are ever raised
    classes = [error for error in below if "code" in vars(error)]
    sent = [error for error in classes if not error.__module__.startswith(_NEVER_SENT)]
    return sorted(sent, key=lambda error: (error.status, error.code))


def describe_error(error: type[errors.ComfyhouseError]) -> str:
    """Return when it is raised: the first paragraph of its docstring, or its note in the tree."""
    if vars(error).get("__doc__"):
        return " ".join(str(error.__doc__).strip().split("\n\n")[0].split())
    _status, note = read_tree().get(error.__name__, ("", ""))
    return f"{note[0].upper()}{note[1:]}." if note else ""


def read_tree() -> dict[str, tuple[str, str]]:
    """Return what the drawing in kit/errors.py says: class name → (status, note)."""
    found = _TREE_LINE.findall(errors.__doc__ or "")
    return {name: (status, note) for name, status, note in found}


def get_variable(name: str) -> str:
    """Return the environment variable of a settings field."""
    return f"CH_{name.upper()}"


def write_default(field: FieldInfo) -> str:
    """Return a field's default as it would be written into `.env`; empty where it is not set."""
    default = field.default
    if isinstance(default, SecretStr):
        return default.get_secret_value()
    if default is None or default == ():
        return ""
    return str(default)


def replace_block(page: str, block: str) -> str:
    """Return the page with its marked block replaced; ValueError where the marks are missing."""
    before, rest = page.split(_BEGIN)
    _, after = rest.split(_END)
    return f"{before}{_BEGIN}\n{block}{_END}{after}"


def main() -> None:
    SETTINGS_PAGE.write_text(replace_block(SETTINGS_PAGE.read_text(), write_settings_block()))
    ERRORS_PAGE.write_text(replace_block(ERRORS_PAGE.read_text(), write_errors_block()))
    ENV_EXAMPLE.write_text(write_env_example())
    OPENAPI.parent.mkdir(exist_ok=True)
    OPENAPI.write_text(write_openapi())


def _get_title(group: type) -> str:
    return (group.__doc__ or group.__name__).strip().splitlines()[0].rstrip(".")


def _escape(text: str | None) -> str:
    return (text or "").replace("|", "\\|")


if __name__ == "__main__":
    main()
