"""A month of an account in units and money: what was used, what is left, what it costs."""

from dataclasses import dataclass

from comfyhoused.adapters.redis.client import Store
from comfyhoused.api.plans import Plan
from comfyhoused.api.quota import make_allowance
from comfyhoused.core.jobs.admission import UNLIMITED
from comfyhoused.core.jobs.books import Usage, read_usage
from comfyhoused.kit.periods import get_period

_MICROS_PER_CENT = 10_000


@dataclass(frozen=True, slots=True)
class Statement:
    """Money in millionths of a dollar. A closed month keeps the plan it was closed with.

    `quota_remaining` None: no limit; of a month that is over, 0.
    """

    period: str
    usage: Usage
    plan_name: str
    included: int
    price_micros: int
    overage_micros: int
    quota_remaining: int | None

    @property
    def remaining(self) -> int:
        """Included units that are neither used nor reserved."""
        return max(0, self.included - self.usage.settled - self.usage.reserved)

    @property
    def overage(self) -> int:
        """Units used beyond the included ones."""
        return max(0, self.usage.settled - self.included)

    @property
    def cost_micros(self) -> int:
        """What these cost."""
        return self.overage * self.overage_micros


async def read_statement(
    store: Store, owner: str, plan: Plan, spend_cap_cents: int | None, period: str
) -> Statement:
    """Return the statement of a month; `plan` counts unless the month was closed before."""
    usage = await read_usage(store, owner, period)
    closed = usage.closing
    left: int | None = 0
    if period == get_period():
        limit = make_allowance(plan, spend_cap_cents).units
        left = None if limit == UNLIMITED else max(0, limit - usage.settled - usage.reserved)
    return Statement(
        period=period,
        usage=usage,
        plan_name=closed.get("plan", plan.name),
        included=int(closed.get("included_units", plan.included_units)),
        price_micros=int(closed.get("price_micros", plan.price_cents * _MICROS_PER_CENT)),
        overage_micros=int(closed.get("overage_micros", plan.overage_micros or 0)),
        quota_remaining=left,
    )


def describe_closing(plan: Plan) -> dict[str, str]:
    """Return what a closed month keeps of the plan it is billed by."""
    return {
        "plan": plan.name,
        "included_units": str(plan.included_units),
        "price_micros": str(plan.price_cents * _MICROS_PER_CENT),
        "overage_micros": str(plan.overage_micros or 0),
    }
