"""Tells a user at 80 and 100 % of what the month includes, and of their cap, with the charge.

Each is told once a month: of each plan that the user had in it, and of each height of the cap.
"""

from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.creator.notifications import notify
from comfyhoused.creator.tables import Book
from comfyhoused.creator.usage import Usage
from comfyhoused.kit.periods import show_end
from comfyhoused.web.words import format_cents

LEVELS = (100, 80)
KIND = "usage"
PAGE = "/creator/plan"


async def warn_of_usage(session: AsyncSession, usage: Usage, book: Book) -> None:
    """Tell the highest levels that are reached and were not told yet; `book` is locked."""
    level = _find_level(usage.used, usage.included)
    if level > book.warned_percent:
        book.warned_percent = level
        title, detail = _write_plan(usage, level)
        once = f"usage/{usage.period}/{usage.plan.name}/{level}"
        await notify(session, book.user_id, KIND, once, title, detail, PAGE, mail="now")
    price = usage.plan.overage_cents
    if price is None or usage.overage_units == 0:
        return
    # A cap that the next edit would break is reached, though cents may be left of it.
    level = _find_level(usage.overage_units, usage.highest_overage)
    if level:
        title, detail = _write_cap(usage, level)
        once = f"cap/{usage.period}/{usage.cap_cents}/{level}"
        await notify(session, book.user_id, KIND, once, title, detail, PAGE, mail="now")


def _find_level(used: int, limit: int) -> int:
    return next((level for level in LEVELS if used * 100 >= level * limit), 0)


def _write_plan(usage: Usage, level: int) -> tuple[str, str]:
    plan, until = usage.plan, show_end(usage.period)
    title = f"{level} % of this month's edits are used"
    used = f"{usage.used:,} of the {usage.included:,} edits of your plan {plan.title} are used."
    start = "New photos wait" if level == 100 else "Then new photos wait"
    if plan.overage_cents is None:
        return title, f"{used} {start} until {until}. A larger plan goes on at once."
    price = format_cents(plan.overage_cents)
    if usage.cap_cents < plan.overage_cents:
        return title, (
            f"{used} {start} until {until}, unless you allow further edits at {price} each."
        )
    start = "Each further one costs" if level == 100 else "Then each further one costs"
    cap = format_cents(usage.cap_cents)
    return title, f"{used} {start} {price} until {until}, up to your limit of {cap}."


def _write_cap(usage: Usage, level: int) -> tuple[str, str]:
    title = f"{level} % of your limit for further edits is used"
    spent, cap = format_cents(usage.overage_cents), format_cents(usage.cap_cents)
    start = "New photos wait" if level == 100 else "At the limit new photos wait"
    until = show_end(usage.period)
    return title, (
        f"{spent} of {cap} is used for edits beyond your plan. {start} until {until}, or until "
        "you raise it."
    )
