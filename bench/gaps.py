"""Gaps: how long the server stood idle between two jobs although the next one was there."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any


def list_gaps_ms(executions: list[dict[str, Any]], accepted_at: Mapping[str, float]) -> list[float]:
    """Return the gaps, from the engine's execution log, in milliseconds.

    `accepted_at` holds prompt ids and the instants (seconds) at which they had been
    accepted. Only gaps before which the next one had been accepted already count.
    """
    lines = [line for line in executions if line["prompt_id"] in accepted_at]
    gaps = []
    for ended, begun in pairwise(lines):
        if ended["event"] != "end" or begun["event"] != "start":
            continue
        if accepted_at[begun["prompt_id"]] <= ended["at"]:
            gaps.append((begun["at"] - ended["at"]) * 1000)
    return gaps


def list_runs(history: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a server's history in the shape of the engine's execution log."""
    lines = []
    for prompt_id, entry in history.items():
        for kind, data in entry.get("status", {}).get("messages", []):
            event = {"execution_start": "start", "execution_success": "end"}.get(kind)
            if event is not None:
                at = data["timestamp"] / 1000
                lines.append({"event": event, "prompt_id": prompt_id, "at": at})
    return sorted(lines, key=lambda line: (line["at"], line["event"]))
