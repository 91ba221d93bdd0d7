"""`python -m bench [--cold] [--only NAME …]`: measure, write bench/out/latest.json, print.

A run of a part only is written to bench/out/part.json.
"""

import argparse
import asyncio
import json
import os
import tempfile
import traceback
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.burst import measure_burst, measure_short_jobs
from bench.creator_edits import measure_creator_edits
from bench.creator_gallery import measure_creator_gallery
from bench.creator_leaving import measure_creator_leaving
from bench.creator_photos import measure_creator_photos
from bench.creator_watching import measure_creator_watching
from bench.edit import measure_edit
from bench.figures import Figure
from bench.first_picture import measure_first_picture
from bench.machine import describe_machine, find_commit
from bench.memory import measure_memory
from bench.no_op import measure_no_op
from bench.picture import measure_picture
from bench.place import REAL_SERVER, Place, open_place
from bench.presets import measure_presets
from bench.rates import measure_rates
from bench.table import render_table

_ROOT = Path(__file__).resolve().parents[1]
_OUT = Path(__file__).with_name("out")
_UP = "up"

Measure = Callable[[Place, dict[str, Any]], Awaitable[list[Figure]]]

MEASURES: dict[str, Measure] = {
    "no-op": measure_no_op,
    "generate": measure_picture,
    "burst": measure_burst,
    "short": measure_short_jobs,
    "edit": measure_edit,
    "memory": measure_memory,
    "rates": measure_rates,
    "photos": measure_creator_photos,
    "presets": measure_presets,
    "creator": measure_creator_edits,
    "gallery": measure_creator_gallery,
    "watching": measure_creator_watching,
    "leaving": measure_creator_leaving,
}


def main() -> None:
    """Run what was asked for."""
    names = [*MEASURES, _UP]
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--cold", action="store_true", help="also install into a fresh clone")
    parser.add_argument("--only", nargs="+", choices=names, default=names, help="only these")
    parser.add_argument("--folder", type=Path, help="where the house keeps its data meanwhile")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-", dir=options.folder) as folder:
        machine = describe_machine(Path(folder))
        _print_machine(machine)
        details: dict[str, Any] = {}
        figures = asyncio.run(_measure(Path(folder), options.only, details))
        if _UP in options.only:
            figures += measure_first_picture(_ROOT, details, is_cold=options.cold)
    machine["load_1m_at_end"] = round(os.getloadavg()[0], 2)
    place = _OUT / ("latest.json" if set(options.only) == set(names) else "part.json")
    _write(place, machine, figures, details)
    print(render_table(figures))
    print(f"Load at the end {machine['load_1m_at_end']}. Written to {place.relative_to(_ROOT)}.")


async def _measure(folder: Path, names: list[str], details: dict[str, Any]) -> list[Figure]:
    figures = []
    wanted = [name for name in MEASURES if name in names]
    if not wanted:
        return []
    async with open_place(folder) as place:
        for name in wanted:
            print(f"measuring: {name} …", flush=True)
            try:
                figures += await MEASURES[name](place, details)
            except Exception as error:  # noqa: BLE001  the border of one measurement
                traceback.print_exc()
                figures.append(Figure(name, "", None, note=f"broke: {type(error).__name__}"))
    return figures


def _print_machine(machine: dict[str, Any]) -> None:
    fsync = machine["fsync_ms"]
    print(
        f"{machine['cores']} cores, Python {machine['python']}, load {machine['load_1m_at_start']}"
        f" at start, fsync {fsync['p50']:.1f} ms (p95 {fsync['p95']:.1f}),"
        f" backend: {REAL_SERVER or 'the built-in engine'}"
    )
    if not machine["is_quiet"]:
        print("The machine was NOT QUIET: other programs share it, so times are worse than alone.")


def _write(
    place: Path, machine: dict[str, Any], figures: list[Figure], details: dict[str, Any]
) -> None:
    document = {
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": find_commit(_ROOT),
        "backend": REAL_SERVER or "engine",
        "machine": machine,
        "figures": [figure.describe() for figure in figures],
        "details": details,
    }
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
