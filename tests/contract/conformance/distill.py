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
    read_exchanges,
    read_scenes,
    read_transcripts,
)
from tests.contract.conformance.exceptions import EXCEPTIONS
from tests.contract.conformance.scenes import SCENES


def distilled() -> dict[str, list[dict[str, Any]]]:
    """Return the lines of each table by file name."""
    exchanges = [asdict(case) for case in read_exchanges("recordings")]
    classes = read_classes("recordings")
    return {
        "exchanges.jsonl": [case for case in exchanges if case["name"] not in EXCEPTIONS],
        "transcripts.jsonl": [asdict(case) for case in read_transcripts("recordings")],
        "scenes.jsonl": [
            {"name": name, "sockets": sockets}
            for name, sockets in read_scenes("recordings").items()
            if name in SCENES
        ],
        "classes.jsonl": [
            {"name": name, "shape": classes[name]}
            for name in sorted(NODE_CLASS_MAPPINGS)
            if name in classes
        ],
    }


def main() -> None:
    """Write the tables."""
    for name, lines in distilled().items():
        text = "".join(json.dumps(line, ensure_ascii=True) + "\n" for line in lines)
        (HERE / name).write_text(text)


if __name__ == "__main__":
    main()
