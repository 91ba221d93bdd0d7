"""Unit economics and projections of docs/shared/BUSINESS_MODEL.md, from stated assumptions.

`python -m tools.projections` prints the tables; `--write` puts them into the page. Change
tools/projections.toml, or give another file, to try other assumptions.
"""

import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comfyhoused.api.plans import Plan, PlanBook

ASSUMPTIONS = Path(__file__).with_name("projections.toml")
PAGE = Path(__file__).resolve().parents[1] / "docs" / "shared" / "BUSINESS_MODEL.md"
_PAID = ("starter", "pro", "business")
_SHOWN_MONTHS = (6, 12, 18, 24)
_SECONDS = (2, 4, 8, 16)
_UTILISATIONS = (0.10, 0.35, 0.70)


@dataclass(frozen=True)
class Economics:
    """One account of a plan in an average month, in dollars."""

    title: str
    units: int
    revenue: float
    gpu: float
    other: float

    @property
    def margin(self) -> float:
        """What is left of the revenue before fixed costs."""
        return self.revenue - self.gpu - self.other


@dataclass
class Month:
    """Accounts at the end of a month, and its money in dollars."""

    number: int
    free: float
    paying: dict[str, float]
    creators: float
    revenue: float = 0
    variable: float = 0
    fixed: float = 0

    @property
    def result(self) -> float:
        """Revenue less all costs that are counted here; no salaries."""
        return self.revenue - self.variable - self.fixed


class Model:
    """The assumptions with the plans as they are sold."""

    def __init__(self, assumptions: Mapping[str, Any], plans: PlanBook) -> None:
        self._given = assumptions
        self._plans = plans

    @property
    def scenarios(self) -> tuple[str, ...]:
        """Their names, the careful one first."""
        return tuple(self._given["scenarios"])

    @property
    def unit_cost(self) -> float:
        """Dollars that one unit costs: a server's time, idle hours included, and a month's room."""
        costs = self._given["costs"]
        return float(self.gpu_cost + costs["megabytes_per_unit"] / 1000 * self._room_price)

    @property
    def gpu_cost(self) -> float:
        """Dollars of a server's time for one unit."""
        costs = self._given["costs"]
        return self.price_time(costs["seconds_per_unit"], costs["utilisation"])

    def price_time(self, seconds: float, utilisation: float) -> float:
        """Return the dollars of so many seconds of work, with the idle hours around them."""
        return float(self._given["costs"]["gpu_usd_per_hour"] / 3600 * seconds / utilisation)

    @property
    def _room_price(self) -> float:
        return float(self._given["costs"]["storage_usd_per_gb_month"])

    def describe_plan(self, name: str) -> Economics:
        """Return an average account of a plan of the API product."""
        plan = self._plans.get(name)
        base, extra = self._given["units"][name], self._given["overage"].get(name, 0)
        revenue = plan.price_cents / 100 + extra * (plan.overage_micros or 0) / 1e6
        return self._add_up(plan.title, base + extra, revenue, _get_months_kept(plan))

    def describe_creator(self) -> Economics:
        """Return an average subscriber of Creator."""
        given = self._given["creator"]
        photos = given["photos"] + given["overage_photos"]
        revenue = given["price_usd"] + given["overage_photos"] * given["overage_usd"]
        return self._add_up("Creator", round(photos * given["units_per_photo"]), revenue, 0)

    def run(self, scenario: str) -> list[Month]:
        """Return month after month of a scenario."""
        given = self._given["scenarios"][scenario]
        months: list[Month] = []
        for number in range(1, given["months"] + 1):
            months.append(self._make_month(given, number, months[-1] if months else None))
        return months

    def _make_month(self, given: Mapping[str, Any], number: int, last: Month | None) -> Month:
        growth = 1 + given["growth_per_month"]
        arrivals = given["sign_ups_first_month"] * growth ** (number - 1)
        converted = 0.0 if last is None else arrivals / growth * given["converts"]
        stay = 1 - given["churn_per_month"]
        paying = {
            name: (last.paying[name] * stay if last else 0) + converted * given["split"][name]
            for name in _PAID
        }
        since = number - given["creator_starts_in_month"]
        joined = given["creator_first_month"] * growth**since if since >= 0 else 0
        creators = (last.creators * stay if last else 0) + joined
        # Half of the free accounts of a month are not seen again in the next.
        free = (last.free * 0.5 if last else 0) + arrivals
        return self._settle(Month(number, free, paying, creators), arrivals + joined)

    def _settle(self, month: Month, arrivals: float) -> Month:
        groups = [(month.free, self.describe_plan("free"))]
        groups += [(month.paying[name], self.describe_plan(name)) for name in _PAID]
        groups.append((month.creators, self.describe_creator()))
        month.revenue = sum(count * one.revenue for count, one in groups)
        costs = self._given["costs"]
        month.variable = sum(count * (one.gpu + one.other) for count, one in groups)
        month.variable += arrivals * costs["sign_up_usd"]
        month.fixed = float(costs["fixed_usd_per_month"])
        return month

    def _add_up(self, title: str, units: int, revenue: float, months_kept: float) -> Economics:
        costs = self._given["costs"]
        room = units * costs["megabytes_per_unit"] / 1000 * self._room_price * months_kept
        fees = revenue * costs["payment_share"] + costs["payment_usd"] if revenue else 0
        support = costs["support_usd_per_paying"] if revenue else 0
        return Economics(title, units, revenue, units * self.gpu_cost, room + fees + support)


def load_model(path: Path = ASSUMPTIONS) -> Model:
    """Read the assumptions, and the plans as they are sold."""
    return Model(tomllib.loads(path.read_text()), PlanBook.load())


def write_tables(model: Model) -> Iterator[tuple[str, str]]:
    """Yield each table of the page with its name."""
    yield "cost of a unit", _write_unit_costs(model)
    yield "economics", _write_economics(model)
    for name in model.scenarios:
        yield name, _write_scenario(model.run(name))


def fill_page(page: str, model: Model) -> str:
    """Return the page with the tables between their comments replaced."""
    for name, table in write_tables(model):
        begin, end = f"<!-- begin: {name} -->\n", "<!-- end -->"
        head, found, rest = page.partition(begin)
        if not found:
            raise ValueError(f"the page has no place for the table {name!r}")
        page = head + begin + table + end + rest.partition(end)[2]
    return page


def _get_months_kept(plan: Plan) -> float:
    return plan.retention_days / 30


def _write_unit_costs(model: Model) -> str:
    heads = " | ".join(f"{share:.0%} of the time at work" for share in _UTILISATIONS)
    rows = [f"| a unit takes | {heads} |", "|---|" + "--:|" * len(_UTILISATIONS)]
    for seconds in _SECONDS:
        cells = " | ".join(f"${model.price_time(seconds, share):.4f}" for share in _UTILISATIONS)
        rows.append(f"| {seconds} s | {cells} |")
    return "\n".join(rows) + "\n"


def _write_economics(model: Model) -> str:
    rows = [
        "| plan | units used | revenue | GPU time | other | left | of revenue |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    accounts = [model.describe_plan(name) for name in ("free", *_PAID)]
    for one in [*accounts, model.describe_creator()]:
        share = f"{one.margin / one.revenue:.0%}" if one.revenue else "–"
        money = " | ".join(_dollars(x) for x in (one.revenue, one.gpu, one.other, one.margin))
        rows.append(f"| {one.title} | {one.units:,} | {money} | {share} |")
    return "\n".join(rows) + "\n"


def _write_scenario(months: list[Month]) -> str:
    rows = [
        "| month | free | Starter | Pro | Business | Creator | revenue | variable | fixed | left |",
        "|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for month in months:
        if month.number in _SHOWN_MONTHS:
            counts = (month.free, *month.paying.values(), month.creators)
            money = (month.revenue, month.variable, month.fixed, month.result)
            cells = [f"{count:,.0f}" for count in counts]
            cells += [_whole_dollars(amount) for amount in money]
            rows.append(f"| {month.number} | " + " | ".join(cells) + " |")
    return "\n".join(rows) + "\n"


def _dollars(amount: float) -> str:
    return f"−${-amount:,.2f}" if amount < 0 else f"${amount:,.2f}"


def _whole_dollars(amount: float) -> str:
    return f"−${-amount:,.0f}" if amount < -0.5 else f"${amount:,.0f}"


def main(arguments: list[str]) -> None:
    """Print the tables, or write them into the page."""
    if arguments == ["--write"]:
        PAGE.write_text(fill_page(PAGE.read_text(), load_model()))
        return
    model = load_model(Path(arguments[0])) if arguments else load_model()
    sys.stdout.write(f"one unit costs ${model.unit_cost:.4f}\n")
    for name, table in write_tables(model):
        sys.stdout.write(f"\n{name}\n{table}")


if __name__ == "__main__":
    main(sys.argv[1:])
