"""What the command says: results on standard output, everything else on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import typer
from pydantic import BaseModel
from rich.console import Console
from rich.table import Table

OUT = Console()
ERR = Console(stderr=True)


def print_json(value: Any) -> None:
    """Print a result for programs, one JSON document."""
    sys.stdout.write(json.dumps(_make_plain(value), indent=2) + "\n")


def print_table(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]], *, empty: str) -> None:
    """Print rows for people; a pipe gets them separated by tabs."""
    if not sys.stdout.isatty():
        for row in rows:
            sys.stdout.write("\t".join(row) + "\n")
        return
    if not rows:
        OUT.print(empty, style="dim")
        return
    table = Table(*columns, box=None, header_style="bold")
    for row in rows:
        table.add_row(*row)
    OUT.print(table)


def say(text: str) -> None:
    """Tell the person something that is no result."""
    ERR.print(text, highlight=False, markup=False)


def fail(text: str) -> NoReturn:
    """End with a sentence and exit code 1."""
    ERR.print(text, style="red", highlight=False, markup=False)
    raise typer.Exit(1)


def _make_plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, list):
        return [_make_plain(one) for one in value]
    return value
