"""Units by day as bars: numbers for an SVG, a sentence and a table that say the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from comfyhoused.kit.clock import get_now
from comfyhoused.web.words import format_count, format_day

#: The drawing is 10 units wide for each bar and so many high; the page stretches it.
HEIGHT = 100
_LABELS = 3


@dataclass(frozen=True, slots=True)
class Bar:
    """A day. `height` is in units of the drawing."""

    day: datetime
    units: int
    height: float
    is_today: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """The bars and the three numbers beside them; `top` is a round number above all of them."""

    bars: tuple[Bar, ...]
    top: int
    sentence: str

    @property
    def total(self) -> int:
        """Units of all days."""
        return sum(bar.units for bar in self.bars)

    @property
    def width(self) -> int:
        """Width of the drawing."""
        return 10 * len(self.bars)


def make_chart(by_day: Mapping[str, int], first: date, last: date) -> Chart:
    """Return the chart of the days from `first` to `last`, both in it; keys are `YYYY-MM-DD`."""
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    units = [by_day.get(day.isoformat(), 0) for day in days]
    top = round_up(max(units, default=0))
    today = get_now().date()
    bars = tuple(
        Bar(
            datetime(day.year, day.month, day.day, tzinfo=UTC),
            count,
            round(HEIGHT * count / top, 2),
            day == today,
        )
        for day, count in zip(days, units, strict=True)
    )
    return Chart(bars, top, _describe(bars))


def round_up(number: int) -> int:
    """Return the next of 2, 4, 10, 20, 40, 100 …: even, so that its half is a number too."""
    top = 2
    while top < number:
        digits = str(top)
        top = top * 2 if digits[0] in "12" else int("1" + "0" * len(digits))
    return top


def _describe(bars: tuple[Bar, ...]) -> str:
    most = max(bars, key=lambda bar: bar.units)
    span = f"Units a day from {format_day(bars[0].day)} to {format_day(bars[-1].day)}"
    if most.units == 0:
        return f"{span}: none"
    total = format_count(sum(bar.units for bar in bars))
    return f"{span}: {total} in all, most on {format_day(most.day)} with {format_count(most.units)}"
