"""Commands that the documentation names exist."""

import re
from pathlib import Path

import pytest
import typer.main

from comfyhoused.cli import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]

_MAKE = re.compile(r"(?:`|^)make ([a-z]+)", re.MULTILINE)
_OURS = re.compile(r"comfyhoused ((?:[a-z]+ ?)+)(?:`|$| [#A-Z-])", re.MULTILINE)


def list_targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))


def is_command(words: list[str]) -> bool:
    command: object = typer.main.get_command(app)
    for word in words:
        known: dict[str, object] = getattr(command, "commands", {})
        if word not in known:
            return False
        command = known[word]
    return True


def test_there_is_something_to_check() -> None:
    assert {"up", "test", "check", "help"} <= list_targets()
    assert is_command(["keys", "create"])
    assert not is_command(["keys", "forge"])
    assert _OURS.findall("run `comfyhoused keys create` and `comfyhoused up`") == [
        "keys create",
        "up",
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_tells_to_run_exists(page: Path) -> None:
    text = page.read_text()
    assert set(_MAKE.findall(text)) <= list_targets()
    for command in _OURS.findall(text):
        assert is_command(command.split()), command
