"""Months, in which usage is counted: UTC, written `YYYY-MM`."""

import re
from datetime import UTC, datetime

from comfyhoused.kit.clock import get_now

PERIOD = re.compile(r"2\d{3}-(0[1-9]|1[0-2])")


def get_period(now: datetime | None = None) -> str:
    """Return the month of an instant, by default of this one."""
    return (now or get_now()).strftime("%Y-%m")


def get_day(now: datetime | None = None) -> str:
    """Return the day of an instant, by default of this one."""
    return (now or get_now()).strftime("%Y-%m-%d")


def get_start(period: str) -> datetime:
    """Return the instant at which a month begins."""
    return datetime(int(period[:4]), int(period[5:]), 1, tzinfo=UTC)


def get_end(period: str) -> datetime:
    """Return the instant at which the next month begins."""
    year, month = int(period[:4]), int(period[5:])
    return datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)


def show_end(period: str) -> str:
    """Return the end of a month as a sentence says it."""
    end = get_end(period)
    return f"{end.day} {end:%B %Y}, 00:00 UTC"
