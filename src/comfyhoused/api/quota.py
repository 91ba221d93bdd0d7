"""What an account may still use in a month: its plan, and its spend cap."""

from dataclasses import dataclass
from typing import Literal

from comfyhoused.api.accounts import AccountNotFound, get_account
from comfyhoused.api.back_office import BackOffice
from comfyhoused.api.money import show_cents, show_micros
from comfyhoused.api.plans import Plan
from comfyhoused.core.jobs.admission import UNLIMITED, QuotaExceeded
from comfyhoused.core.jobs.books import read_usage
from comfyhoused.kit.errors import TooManyRequests
from comfyhoused.kit.periods import get_period, show_end

_MICROS_PER_CENT = 10_000


class SpendCapReached(TooManyRequests):
    """The job would cost more than the spend cap of the account leaves in this month."""

    code = "spend_cap_reached"
    title = "Your spend cap is reached"
    retryable = False


@dataclass(frozen=True, slots=True)
class Allowance:
    """The units of a month, UNLIMITED where nothing ends them, and what does."""

    units: int
    ended_by: Literal["plan", "spend_cap"] | None


def make_allowance(plan: Plan, spend_cap_cents: int | None) -> Allowance:
    """Return what a plan and a cap on the spending beyond its price allow in a month."""
    if plan.overage_micros is None:
        return Allowance(plan.included_units, "plan")
    if spend_cap_cents is None:
        return Allowance(UNLIMITED, None)
    bought = spend_cap_cents * _MICROS_PER_CENT // plan.overage_micros
    return Allowance(plan.included_units + bought, "spend_cap")


def make_refusal(
    plan: Plan, spend_cap_cents: int | None, *, units: int, units_left: int, period: str
) -> QuotaExceeded | SpendCapReached:
    """Return the error that says what is left, what to do, and when it begins anew."""
    until = show_end(period)
    has = "1 is" if units_left == 1 else f"{units_left} are" if units_left else "none is"
    if plan.overage_micros is None or spend_cap_cents is None:
        return QuotaExceeded(
            f"This needs {_count(units)}; {has} left of the {plan.included_units} that "
            f"{plan.title} includes, until {until}. A larger plan goes on at once.",
            units_left=units_left,
        )
    price = show_micros(units * plan.overage_micros)
    return SpendCapReached(
        f"This needs {_count(units)} ({price}); {has} left under your spend cap of "
        f"{show_cents(spend_cap_cents)}, until {until}. Raise it with PUT /api/v1/spend-cap.",
    )


def find_account_id(owner: str) -> str | None:
    """Return the account whose live work this owner's is; None for test mode, which is free."""
    kind, _, account = owner.partition(":")
    if kind != "account" or account.endswith(":test"):
        return None
    return account


async def find_remaining(house: BackOffice, owner: str) -> int | None:
    """Return the units that an owner has left in this month; None: no limit."""
    account_id = find_account_id(owner)
    if account_id is None:
        return None
    try:
        account = await get_account(house.resources.store, account_id)
    except AccountNotFound:  # of before accounts were kept
        return None
    allowance = make_allowance(house.plans.get(account.plan), account.spend_cap_cents)
    if allowance.units == UNLIMITED:
        return None
    usage = await read_usage(house.resources.store, owner, get_period())
    return max(0, allowance.units - usage.settled - usage.reserved)


def _count(units: int) -> str:
    return "1 unit" if units == 1 else f"{units} units"
