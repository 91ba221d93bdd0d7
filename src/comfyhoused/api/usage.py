"""/usage and /spend-cap: what was used, what it costs, and the most it may cost."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from comfyhoused.api.accounts import Account, get_account, set_spend_cap
from comfyhoused.api.documented_problems import BODY_PROBLEMS, INVALID, PROBLEMS
from comfyhoused.api.house import ApiHouse, House, KeyWriter, Principal, UsageReader
from comfyhoused.api.ledger import read_entries, write_csv, write_jsonl
from comfyhoused.api.money import make_usd
from comfyhoused.api.statement import Statement, read_statement
from comfyhoused.api.usage_schemas import (
    SpendCap,
    SpendCapRequest,
    UsageResponse,
    render_usage,
)
from comfyhoused.core.jobs.books import list_periods
from comfyhoused.kit.errors import Forbidden
from comfyhoused.kit.periods import PERIOD, get_period

router = APIRouter(tags=["Usage"])


class LiveKeyNeeded(Forbidden):
    """A test key spends nothing, and decides about nothing that costs money."""

    code = "live_key_needed"
    title = "That needs a live key"


_Period = Annotated[
    str | None,
    Query(pattern=f"^{PERIOD.pattern}$", description="a month, `2026-11`; default: this one"),
]


@router.get("/usage", responses={**INVALID, **PROBLEMS})
async def get_usage(house: House, principal: UsageReader, period: _Period = None) -> UsageResponse:
    """Tell what was used in a month: by day, key and template, and what it costs so far."""
    account = await get_account(house.resources.store, principal.account)
    statement = await _read(house, account, principal, period)
    periods = await list_periods(house.resources.store, principal.owner)
    return render_usage(account, house.plans.get(account.plan), statement, periods)


@router.get(
    "/usage/ledger",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "The lines, oldest first",
            "content": {"application/x-ndjson": {}, "text/csv": {}},
        },
        **INVALID,
        **PROBLEMS,
    },
)
async def get_usage_ledger(
    house: House,
    principal: UsageReader,
    period: _Period = None,
    format: Annotated[  # noqa: A002  the word of the address
        Literal["jsonl", "csv"], Query(description="JSON lines or CSV")
    ] = "jsonl",
) -> StreamingResponse:
    """Export the ledger of a month, streamed.

    Each line is a reservation, a charge or a release of one job.
    """
    month = period or get_period()
    resources = house.resources
    entries = read_entries(resources.store, resources.storage, principal.owner, month)
    is_csv = format == "csv"
    return StreamingResponse(
        write_csv(entries) if is_csv else write_jsonl(entries),
        media_type="text/csv" if is_csv else "application/x-ndjson",
        headers={"Content-Disposition": f'attachment; filename="usage-{month}.{format}"'},
    )


@router.get("/spend-cap", responses=PROBLEMS)
async def get_spend_cap(house: House, principal: UsageReader) -> SpendCap:
    """Tell the most a month may cost beyond the plan's price, and what this one has cost."""
    account = await get_account(house.resources.store, principal.account)
    return await _render_cap(house, account, principal)


@router.put("/spend-cap", responses={**BODY_PROBLEMS, **PROBLEMS})
async def put_spend_cap(house: House, principal: KeyWriter, body: SpendCapRequest) -> SpendCap:
    """Set the spend cap, for every key of the account at once.

    Jobs that were accepted before are not touched.
    """
    if principal.mode == "test":
        raise LiveKeyNeeded("Send a key that begins with sk_live_.")
    dollars = body.spend_cap_usd
    cents = None if dollars is None else int(dollars * 100)
    account = await set_spend_cap(house.resources.store, principal.account, cents)
    return await _render_cap(house, account, principal)


async def _read(
    house: ApiHouse, account: Account, principal: Principal, period: str | None
) -> Statement:
    plan = house.plans.get(account.plan)
    month = period or get_period()
    return await read_statement(
        house.resources.store, principal.owner, plan, account.spend_cap_cents, month
    )


async def _render_cap(house: ApiHouse, account: Account, principal: Principal) -> SpendCap:
    statement = await _read(house, account, principal, None)
    cap = account.spend_cap_cents
    return SpendCap(
        spend_cap_usd=None if cap is None else make_usd(cap * 10_000),
        cost_usd=make_usd(statement.cost_micros),
        is_effective=house.plans.get(account.plan).overage_micros is not None,
    )
