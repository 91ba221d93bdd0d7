"""Writes the distilled cases from the recordings: `python -m tests.contract.conformance.distill`.

Requests are kept as they were sent; of the answers only what must agree.
"""

import json
from dataclasses import asdict
from typing import Any

from comfyhouse_engine.nodes import NODE_CLASS_MAPPINGS
from tests.contract.conformance.cases import (
    HERE,
    read_classes,
    read_deaths,
    read_exchanges,
    read_scenes,
    read_transcripts,
)
from tests.contract.conformance.exceptions import EXCEPTIONS
from tests.contract.conformance.scenes import SCENES


def distilled() -> dict[str, list[str]]:
    """Return the lines of each table by file name."""
    classes = read_classes("recordings")
    tables: dict[str, list[dict[str, Any]]] = {
        "exchanges.jsonl": [
            asdict(case) for case in read_exchanges("recordings") if case.name not in EXCEPTIONS
        ],
        "transcripts.jsonl": [asdict(case) for case in read_transcripts("recordings")],
        "deaths.jsonl": [asdict(case) for case in read_deaths("recordings")],
        "scenes.jsonl": [
            {"name": name, "sockets": sockets}
            for name, sockets in read_scenes("recordings").items()
            if name in SCENES
        ],
        "classes.jsonl": [
            {"name": name, "shape": classes[name]}
            for name in sorted(NODE_CLASS_MAPPINGS.keys() & classes.keys())
        ],
    }
    return {name: [json.dumps(line) for line in lines] for name, lines in tables.items()}


def main() -> None:
    """Write the tables."""
    for name, lines in distilled().items():
        (HERE / name).write_text("".join(f"{line}\n" for line in lines))


if __name__ == "__main__":
    main()
