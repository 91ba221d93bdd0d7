"""What units cost: first those that the plan includes, then each at the plan's price."""

from dataclasses import dataclass

from comfyhoused.api.plans import Plan


@dataclass(frozen=True, slots=True)
class Price:
    """Units that the plan's price holds, those beyond, and what these cost (1e-6 dollars)."""

    included_units: int
    overage_units: int
    micros: int


def make_price(plan: Plan, units: int, *, used: int) -> Price:
    """Return the price of so many more units when so many of the month are used or reserved."""
    included = min(units, max(0, plan.included_units - used))
    beyond = units - included
    return Price(included, beyond, beyond * (plan.overage_micros or 0))
