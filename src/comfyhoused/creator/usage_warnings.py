"""Tells a user at 80 and 100 % of what the month includes: once each, with the charge itself."""

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
    """Tell the highest level that is reached and was not told yet; `book` is locked."""
    reached = (level for level in LEVELS if usage.used * 100 >= level * usage.included)
    level = next(reached, 0)
    if level <= book.warned_percent:
        return
    book.warned_percent = level
    title, detail = _write(usage, level)
    once = f"usage/{usage.period}/{level}"
    await notify(session, book.user_id, KIND, once, title, detail, PAGE, mail="now")


def _write(usage: Usage, level: int) -> tuple[str, str]:
    plan = usage.plan
    title = f"{level} % of this month's edits are used"
    used = f"{usage.used:,} of the {usage.included:,} edits of your plan {plan.title} are used."
    until = show_end(usage.period)
    if plan.overage_cents is None:
        start = "New photos wait" if level == 100 else "Then new photos wait"
        return title, f"{used} {start} until {until}. A larger plan goes on at once."
    price = format_cents(plan.overage_cents)
    if usage.cap_cents < plan.overage_cents:
        start = "New photos wait" if level == 100 else "Then new photos wait"
        return title, (
            f"{used} {start} until {until}, unless you allow further edits at {price} each."
        )
    start = "Each further one costs" if level == 100 else "Then each further one costs"
    cap = format_cents(usage.cap_cents)
    return title, f"{used} {start} {price} until {until}, up to your limit of {cap}."
