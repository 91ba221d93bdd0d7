"""Plans as files: ours, and an operator's laid over them. Either product has its own plans."""

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from comfyhoused.resources import UnfitHouse


def read_plan_file(path: Path, setting: str) -> dict[str, Any]:
    """Return what a file says; raises UnfitHouse, naming the setting that named the file."""
    try:
        return tomllib.loads(path.read_text(), parse_float=Decimal)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UnfitHouse(f"{setting} {path} cannot be read: {error}") from error


def lay_over(ours: dict[str, Any], theirs: Any, setting: str) -> dict[str, Any]:
    """Return our tables with theirs on top; a new one starts from what `based_on` names."""
    if not isinstance(theirs, dict) or not all(isinstance(one, dict) for one in theirs.values()):
        raise UnfitHouse(f"{setting}: write plans as tables, [plans.name].")
    tables = dict(ours)
    for name, table in theirs.items():
        base = table.get("based_on", name)
        if base != name and base not in tables:
            raise UnfitHouse(f"{setting}: plans.{name} is based on {base!r}, which is no plan.")
        tables[name] = {**tables.get(base, {}), **table}
        tables[name].pop("based_on", None)
    return tables


def convert_money(table: Mapping[str, Any], money: Mapping[str, tuple[str, int]]) -> dict[str, Any]:
    """Return a table with its dollars in whole parts; raises ValueError for finer amounts.

    `money` says for each name in the file what it is called then and how many parts a dollar has.
    """
    converted = dict(table)
    for name, (target, parts) in money.items():
        if name not in converted:
            continue
        amount = converted.pop(name)
        if isinstance(amount, bool) or not isinstance(amount, int | Decimal):
            raise ValueError(f"{name} must be a number of dollars")
        if amount * parts % 1:
            raise ValueError(f"{name} is finer than 1/{parts} dollar")
        converted[target] = int(amount * parts)
    return converted


def list_faults(error: Exception) -> list[str]:
    """Return what is wrong with a table, one sentence each."""
    if isinstance(error, ValidationError):
        return [
            f"{'.'.join(str(part) for part in fault['loc'])} {fault['msg']}"
            for fault in error.errors()
        ]
    return [str(error)]
