"""comfyhouse usage."""

from __future__ import annotations

from typing import Annotated

import typer

from comfyhouse.cli.output import OUT, print_json, print_table
from comfyhouse.cli.pictures import Json
from comfyhouse.cli.session import open_client
from comfyhouse.schema import Usage


def usage(
    period: Annotated[
        str | None, typer.Argument(help="a month, 2026-11; default: this one")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what this month has used and cost."""
    with open_client() as client:
        month = client.usage.get(period)
    if as_json:
        print_json(month)
        return
    for line in _describe(month):
        OUT.print(line, highlight=False)
    rows = [(day.day, str(day.units)) for day in month.by_day if day.units]
    print_table(("day", "images"), rows, empty="Nothing was used in this month.")


def _describe(month: Usage) -> list[str]:
    lines = [f"{month.period}, plan {month.plan}: {month.used} of {month.included} images."]
    if month.reserved:
        lines.append(f"{month.reserved} more are reserved by jobs that are not over.")
    if month.overage:
        lines.append(f"{month.overage} beyond the plan cost ${month.cost_usd}.")
    return lines
