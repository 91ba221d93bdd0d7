"""Photos a day, drawn as bars of an SVG that the layout stretches."""

from collections.abc import Mapping
from dataclasses import dataclass

from comfyhoused.kit.clock import get_now
from comfyhoused.kit.periods import get_end, get_start

_HEIGHT = 100


@dataclass(frozen=True, slots=True)
class Bar:
    """One day; `y` and `height` of 100."""

    day: int
    number: int
    y: float
    height: float
    is_today: bool


@dataclass(frozen=True, slots=True)
class DayChart:
    """A month. `top` is what the full height stands for."""

    month: str
    bars: list[Bar]
    top: int
    total: int


def make_day_chart(numbers: Mapping[int, int], period: str) -> DayChart:
    """Return the bars of a month `YYYY-MM`."""
    start = get_start(period)
    days = (get_end(period) - start).days
    top = _round_up(max(numbers.values(), default=0))
    today = get_now()
    bars = []
    for day in range(1, days + 1):
        number = numbers.get(day, 0)
        height = _HEIGHT * number / top
        is_today = (today.year, today.month, today.day) == (start.year, start.month, day)
        bars.append(Bar(day, number, round(_HEIGHT - height, 2), round(height, 2), is_today))
    return DayChart(f"{start:%B}", bars, top, sum(numbers.values()))


def _round_up(number: int) -> int:
    """Return a number at least as large of which the half is whole, too."""
    step: int = 10 ** max(0, len(str(number)) - 1)
    tops = (2 * step, 4 * step, 6 * step, 10 * step)
    return max(2, next(top for top in tops if top >= number))
