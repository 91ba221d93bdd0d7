"""What the pages say about an account's use: its month, and how far that is from its end."""

from dataclasses import dataclass
from datetime import date, timedelta

from comfyhoused.api.console.signed_in import SignedIn
from comfyhoused.api.console.usage_chart import Chart, make_chart
from comfyhoused.api.plans import Plan
from comfyhoused.api.statement import Statement, read_statement
from comfyhoused.core.jobs.books import read_usage
from comfyhoused.kit.clock import get_now
from comfyhoused.kit.periods import get_end, get_period, get_start

_DAYS = 14


@dataclass(frozen=True, slots=True)
class Month:
    """A statement with its plan; `limit` is the units that end it, None where nothing does."""

    statement: Statement
    plan: Plan
    days_left: int

    @property
    def limit(self) -> int | None:
        """Units that may be used in all."""
        left = self.statement.quota_remaining
        usage = self.statement.usage
        return None if left is None else left + usage.settled + usage.reserved

    @property
    def used(self) -> int:
        """Units that are charged, or put aside for jobs that are not over."""
        return self.statement.usage.settled + self.statement.usage.reserved

    @property
    def share(self) -> float:
        """Percent of the included units that are used, at most 100."""
        included = self.statement.included
        return min(100.0, round(100 * self.used / included, 1)) if included else 100.0


async def read_month(member: SignedIn, period: str | None = None) -> Month:
    """Return a month of the account's live use, by default this one."""
    plan = member.house.plans.get(member.account.plan)
    month = period or get_period()
    statement = await read_statement(
        member.house.resources.store,
        member.make_principal("live").owner,
        plan,
        member.account.spend_cap_cents,
        month,
    )
    days = max(0, (get_end(month) - get_now()).days + 1)
    return Month(statement, plan, days)


async def chart_latest(member: SignedIn) -> Chart:
    """Return the chart of the last two weeks; they may lie in two months."""
    last = get_now().date()
    first = last - timedelta(days=_DAYS - 1)
    owner = member.make_principal("live").owner
    by_day: dict[str, int] = {}
    for period in sorted({f"{first:%Y-%m}", f"{last:%Y-%m}"}):
        by_day |= (await read_usage(member.house.resources.store, owner, period)).by_day
    return make_chart(by_day, first, last)


def chart_month(statement: Statement) -> Chart:
    """Return the chart of a whole month."""
    first: date = get_start(statement.period).date()
    last = get_end(statement.period).date() - timedelta(days=1)
    return make_chart(statement.usage.by_day, first, last)
