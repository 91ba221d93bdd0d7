"""The execution log: what really ran, written before it runs.

It outlives the engine, so that crash tests can count executions from it.
"""

import json
import threading
import time
from pathlib import Path
from typing import Any


class ExecutionLog:
    """Appends one JSON line per event to `path` and hands it to the operating system at once."""

    def __init__(self, path: Path, boot_id: str) -> None:
        self._path = path
        self._boot_id = boot_id
        self._lock = threading.Lock()
        self._file = path.open("a", encoding="utf-8", buffering=1)

    def write(self, event: str, prompt_id: str, attempt: object, outcome: str | None) -> None:
        """Append an event: "start" (outcome None) or "end" (success, error, interrupted)."""
        line = json.dumps(
            {
                "event": event,
                "prompt_id": prompt_id,
                "attempt": attempt,
                "boot_id": self._boot_id,
                "outcome": outcome,
                "at": time.time(),
            }
        )
        with self._lock:
            self._file.write(line + "\n")

    def read(self, since: int) -> list[dict[str, Any]]:
        """Return the events from line `since` (0 = first) on."""
        with self._path.open(encoding="utf-8") as lines:
            return [json.loads(line) for index, line in enumerate(lines) if index >= since]

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def attempt_of(extra_data: object) -> object:
    """Return `extra_data.comfyhouse.attempt`, None where there is none."""
    ours = extra_data.get("comfyhouse") if isinstance(extra_data, dict) else None
    return ours.get("attempt") if isinstance(ours, dict) else None
