"""/console/plan: the plan, the month in units and money, the spend cap, the ledger."""

from decimal import Decimal, InvalidOperation
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Query
from fastapi.responses import Response, StreamingResponse

from comfyhoused.api.accounts import set_spend_cap
from comfyhoused.api.console.console_pages import redirect_to, render_console
from comfyhoused.api.console.pricing import list_ticks
from comfyhoused.api.console.signed_in import SignedIn
from comfyhoused.api.console.usage_view import chart_month, read_month
from comfyhoused.api.keys import list_account_keys
from comfyhoused.api.ledger import read_entries, write_csv, write_jsonl
from comfyhoused.core.jobs.books import list_periods
from comfyhoused.kit.periods import PERIOD, get_end, get_period, get_start

router = APIRouter(prefix="/console/plan", include_in_schema=False)

_MOST_DOLLARS = 1_000_000
_Period = Annotated[str | None, Query(pattern=f"^{PERIOD.pattern}$")]


@router.get("")
async def show_plan(member: SignedIn, period: _Period = None) -> Response:
    """Show the plan and a month of it."""
    return await _show(member, period)


@router.post("/spend-cap")
async def cap_spending(
    member: SignedIn,
    token: Annotated[str, Form()] = "",
    dollars: Annotated[str, Form(max_length=20)] = "",
) -> Response:
    """Set the most a month may cost beyond the plan's price; an empty field takes it away."""
    member.check_form(token)
    text = dollars.strip().lstrip("$").strip()
    cents = _read_cents(text) if text else None
    if text and cents is None:
        fault = f"Write dollars, 0 to {_MOST_DOLLARS:,}, with cents at most: 25 or 25.50."
        return await _show(member, None, fault=fault, typed=dollars)
    await set_spend_cap(member.house.resources.store, member.account.id, cents)
    return redirect_to("/console/plan#cap")


@router.get("/ledger")
async def get_ledger(
    member: SignedIn,
    period: _Period = None,
    form: Literal["csv", "jsonl"] = "csv",
) -> StreamingResponse:
    """Export the ledger of a month, as `GET /api/v1/usage/ledger` does."""
    month = period or get_period()
    resources = member.house.resources
    owner = member.make_principal("live").owner
    entries = read_entries(resources.store, resources.storage, owner, month)
    return StreamingResponse(
        write_csv(entries) if form == "csv" else write_jsonl(entries),
        media_type="text/csv" if form == "csv" else "application/x-ndjson",
        headers={"Content-Disposition": f'attachment; filename="usage-{month}.{form}"'},
    )


def _read_cents(text: str) -> int | None:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return None
    if not amount.is_finite() or not 0 <= amount <= _MOST_DOLLARS or amount * 100 % 1:
        return None
    return int(amount * 100)


def _name_key(names: dict[str, str], key_id: str) -> str:
    if not key_id:
        return "The playground"
    return names.get(key_id) or f"{key_id[:12]}…"


async def _show(
    member: SignedIn, period: str | None, *, fault: str = "", typed: str | None = None
) -> Response:
    store = member.house.resources.store
    month = await read_month(member, period)
    usage = month.statement.usage
    names = {key.id: key.name for key in await list_account_keys(store, member.account.id)}
    cap = member.account.spend_cap_cents
    return render_console(
        member,
        "console/plan.html",
        nav="Plan and usage",
        status_code=422 if fault else 200,
        month=month,
        is_now=month.statement.period == get_period(),
        starts_at=get_start(month.statement.period),
        ends_at=get_end(month.statement.period),
        chart=chart_month(month.statement),
        by_key=[(_name_key(names, key), units) for key, units in usage.by_key.items()],
        by_template=list(usage.by_template.items()),
        periods=await list_periods(store, member.make_principal("live").owner),
        ticks=list_ticks(month.plan),
        others=[one for one in member.house.plans.list_offered() if one.name != month.plan.name],
        fault=fault,
        cap_text=typed if typed is not None else ("" if cap is None else f"{Decimal(cap) / 100}"),
    )
