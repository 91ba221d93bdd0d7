"""A figure: what was measured, beside its target."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Target:
    """A limit that a figure keeps to, `at most` or `at least`."""

    limit: float
    sense: Literal["≤", "≥"] = "≤"

    def is_met(self, measured: float) -> bool:
        """Tell whether the measured value keeps to the limit."""
        return measured <= self.limit if self.sense == "≤" else measured >= self.limit


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table; `measured` None where it was not, and `note` says why."""

    name: str
    unit: str
    measured: float | None
    target: Target | None = None
    note: str = ""

    @property
    def is_met(self) -> bool | None:
        """Tell whether the target is met; None without a target or a measurement."""
        if self.target is None or self.measured is None:
            return None
        return self.target.is_met(self.measured)

    def describe(self) -> dict[str, Any]:
        """Return the figure for JSON."""
        return {**asdict(self), "is_met": self.is_met}


def find_percentile(values: Sequence[float], percent: float) -> float:
    """Return the value that `percent` of all values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def find_median(values: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def summarise(values: Sequence[float]) -> dict[str, float | int]:
    """Return count, p50, p95 and largest of values."""
    return {
        "count": len(values),
        "p50": find_percentile(values, 50),
        "p95": find_percentile(values, 95),
        "max": max(values),
    }
