"""Telling customers at 80 % and 100 % of what a month includes, and of their spend cap: once each.

Looked at after each charge and idempotent, so that a worker that dies in between loses none.
"""

from dataclasses import dataclass
from typing import Literal

from comfyhoused.adapters.redis.client import Store
from comfyhoused.api.accounts import Account, AccountNotFound, get_account
from comfyhoused.api.console.usage_mail import make_usage_mail
from comfyhoused.api.money import make_usd, show_cents, show_micros
from comfyhoused.api.plans import Plan, PlanBook
from comfyhoused.api.quota import find_account_id
from comfyhoused.api.webhook_events import emit_facts
from comfyhoused.core.jobs.books import make_books_key
from comfyhoused.core.mail.post import post_mail
from comfyhoused.kit.clock import get_now
from comfyhoused.kit.periods import get_end, show_end
from comfyhoused.resources import Resources

LEVELS = (100, 80)
_MICROS_PER_CENT = 10_000
_MAIL_SECONDS = 3 * 86_400


@dataclass(frozen=True, slots=True)
class Budget:
    """Something of which 80 % and 100 % are told: units of the plan, or dollars (1e-6) of a cap.

    `name` is new where the limit is another one: then its levels count anew.
    """

    kind: Literal["included", "spend_cap"]
    name: str
    used: int
    limit: int

    def find_level(self) -> int | None:
        """Return the highest level that is reached; None below all."""
        if self.limit <= 0:
            return None
        return next((level for level in LEVELS if self.used * 100 >= level * self.limit), None)


async def notice_thresholds(
    resources: Resources, plans: PlanBook, owner: str, period: str
) -> list[str]:
    """Tell what has been reached and was not told yet; returns what was told now."""
    account_id = find_account_id(owner)
    if account_id is None or not period:
        return []
    try:
        account = await get_account(resources.store, account_id)
    except AccountNotFound:  # of before accounts were kept
        return []
    plan = plans.get(account.plan)
    settled = await _read_settled(resources.store, owner, period)
    told = []
    for budget in make_budgets(plan, account.spend_cap_cents, settled):
        level = budget.find_level()
        mark = f"told:{budget.name}:{level}"
        if level is None or await _is_told(resources.store, owner, period, mark):
            continue
        await _tell(resources, account, plan, budget, level, owner, period)
        await resources.store.hset(make_books_key("usage", owner, period), mark, "1")
        told.append(mark)
    return told


def make_budgets(plan: Plan, spend_cap_cents: int | None, settled: int) -> list[Budget]:
    """Return what can be reached: the included units, and a cap that has an effect."""
    budgets = [Budget("included", f"included:{plan.included_units}", settled, plan.included_units)]
    if spend_cap_cents and plan.overage_micros is not None:
        spent = max(0, settled - plan.included_units) * plan.overage_micros
        # A cap that the next unit would break is reached, though cents may be left of it.
        cap = spend_cap_cents * _MICROS_PER_CENT // plan.overage_micros * plan.overage_micros
        budgets.append(Budget("spend_cap", f"spend_cap:{spend_cap_cents}", spent, cap))
    return budgets


async def _tell(
    resources: Resources,
    account: Account,
    plan: Plan,
    budget: Budget,
    level: int,
    owner: str,
    period: str,
) -> None:
    subject = f"{period}/{budget.name}/{level}"
    if account.email:
        link = f"{resources.settings.http.base_url}/console"
        title, first, second = _write(account, plan, budget, level, period)
        mail = make_usage_mail(account.email, title, first, second, link)
        once = f"usage/{owner}/{subject}"
        await post_mail(resources.store, mail, once=once, good_for_seconds=_MAIL_SECONDS)
    is_cap = budget.kind == "spend_cap"
    data = {
        "period": period,
        "limit": budget.kind,
        "percent": level,
        "used": make_usd(budget.used) if is_cap else budget.used,
        "of": make_usd(budget.limit) if is_cap else budget.limit,
        "unit": "usd" if is_cap else "units",
        "period_ends_at": get_end(period).isoformat().replace("+00:00", "Z"),
    }
    await emit_facts(resources, owner, "usage.threshold", subject, data)


def _write(
    account: Account, plan: Plan, budget: Budget, level: int, period: str
) -> tuple[str, str, str]:
    """Return the mail's subject, what is used, and what happens next."""
    until = show_end(period)
    if budget.kind == "spend_cap":
        cap = show_cents(account.spend_cap_cents or 0)
        title = f"{level} % of your Comfyhouse spend cap is used"
        first = f"{show_micros(budget.used)} of your spend cap of {cap} is used."
        ends = "New jobs are refused" if level == 100 else "At the cap new jobs are refused"
        return title, first, f"{ends} until {until}, or until you raise it."
    title = f"{level} % of your {plan.title} images are used"
    first = f"{budget.used:,} of the {budget.limit:,} images of your plan {plan.title} are used."
    if plan.overage_micros is not None:
        price = show_micros(plan.overage_micros)
        start = "Each further image costs" if level == 100 else "Beyond them each image costs"
        return title, first, f"{start} {price} until {until}."
    ends = "New jobs are refused" if level == 100 else "Then new jobs are refused"
    return title, first, f"{ends} until {until}. A larger plan goes on at once."


async def _read_settled(store: Store, owner: str, period: str) -> int:
    return int(str(await store.hget(make_books_key("usage", owner, period), "settled") or "0"))


async def _is_told(store: Store, owner: str, period: str, mark: str) -> bool:
    # A month that is long over is nobody's concern: its marks went with its books.
    is_old = (get_now() - get_end(period)).days > 3
    return is_old or bool(await store.hexists(make_books_key("usage", owner, period), mark))
