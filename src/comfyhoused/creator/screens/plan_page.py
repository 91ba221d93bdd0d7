"""/creator/plan: what was used, what is left, and how far beyond the plan it may go."""

from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import Response
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.creator.ledger import get_usage
from comfyhoused.creator.screens.day_chart import make_day_chart
from comfyhoused.creator.screens.pages import go_to, render_screen
from comfyhoused.creator.screens.said import say_at
from comfyhoused.creator.tables import Entry, User
from comfyhoused.creator.visitors import SignedInUser
from comfyhoused.kit.errors import Unprocessable
from comfyhoused.kit.periods import get_end

router = APIRouter(prefix="/creator/plan", include_in_schema=False)

_HIGHEST_CAP_DOLLARS = 10_000


class CapInvalid(Unprocessable):
    """The cap is an amount in US dollars, from 0 to 10 000."""

    code = "overage_cap_invalid"
    title = "That is no amount we can keep to"


@router.get("")
async def show_plan(visitor: SignedInUser) -> Response:
    """Show plan and usage."""
    house, user = visitor.house, visitor.user
    async with house.database.begin() as session:
        usage = await get_usage(session, house.plans, user)
        days = await _count_days(session, user.id, usage.period)
    return await render_screen(
        visitor,
        "plan.html",
        nav="Plan",
        usage=usage,
        chart=make_day_chart(days, usage.period),
        ends_at=get_end(usage.period),
        plans=house.plans.list_offered(),
    )


@router.post("/cap")
async def set_cap(
    visitor: SignedInUser,
    dollars: Annotated[str, Form()] = "",
    token: Annotated[str, Form()] = "",
) -> Response:
    """Keep how much a month may cost beyond the plan."""
    visitor.check_form(token)
    change = update(User).where(User.id == visitor.user.id)
    async with visitor.house.database.begin() as session:
        await session.execute(change.values(overage_cap_cents=read_cents(dollars)))
    return go_to(say_at("/creator/plan", "saved"))


def read_cents(dollars: str) -> int:
    """Return an amount that somebody has typed, in cents; raises CapInvalid."""
    whole, _, part = dollars.strip().removeprefix("$").replace(",", ".").partition(".")
    is_amount = (whole + part).isascii() and (whole + part).isdecimal() and len(part) <= 2
    if not is_amount or len(whole) > 6 or int(whole or 0) > _HIGHEST_CAP_DOLLARS:
        raise CapInvalid("Write an amount in US dollars, such as 25 or 12.50.")
    return int(whole or 0) * 100 + int(part.ljust(2, "0") or 0)


async def _count_days(session: AsyncSession, user_id: str, period: str) -> dict[int, int]:
    """Return how many photos were charged on each day of the month."""
    day = func.date_trunc("day", Entry.created_at, "UTC")
    query = (
        select(day, func.sum(Entry.units))
        .where(Entry.user_id == user_id, Entry.period == period, Entry.kind == "settle")
        .group_by(day)
    )
    return {instant.day: int(number) for instant, number in await session.execute(query)}
