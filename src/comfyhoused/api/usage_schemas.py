"""What the routes about usage and spending read and answer. Money: dollars, as text."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from comfyhoused.api.accounts import Account
from comfyhoused.api.money import make_usd
from comfyhoused.api.plans import Plan
from comfyhoused.api.statement import Statement
from comfyhoused.kit.periods import get_end, get_start

_EXAMPLE: dict[str, Any] = {
    "period": "2026-11",
    "starts_at": "2026-11-01T00:00:00Z",
    "ends_at": "2026-12-01T00:00:00Z",
    "plan": "starter",
    "used": 1043,
    "reserved": 2,
    "included": 1000,
    "remaining": 0,
    "overage": 43,
    "cost_usd": "1.72",
    "plan_price_usd": "29",
    "spend_cap_usd": "25",
    "quota_remaining": 580,
    "jobs": 817,
    "by_day": [{"day": "2026-11-21", "units": 40}, {"day": "2026-11-22", "units": 1003}],
    "by_key": [{"key_id": "key_7w2k9m4q8r1t5v3x", "units": 1043}],
    "by_template": [{"template": "text-to-image", "units": 1043}],
    "periods": ["2026-11", "2026-10"],
}


class DayUsage(BaseModel):
    """Units of jobs that were accepted on one day (UTC)."""

    day: str
    units: int


class KeyUsage(BaseModel):
    """Units of one key; an empty id: made on our pages."""

    key_id: str
    units: int


class TemplateUsage(BaseModel):
    """Units of one template or registered workflow."""

    template: str
    units: int


class UsageResponse(BaseModel):
    """A month of usage. Units are counted in the month in which their job was accepted."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    period: str
    starts_at: datetime
    ends_at: datetime
    plan: str
    used: int = Field(description="units delivered and charged")
    reserved: int = Field(description="units of jobs that are not over yet")
    included: int = Field(description="units that the plan's price holds")
    remaining: int = Field(description="of these, what is left")
    overage: int = Field(description="units used beyond the included ones")
    cost_usd: str = Field(description="what these cost so far, besides the plan's price")
    plan_price_usd: str
    spend_cap_usd: str | None = Field(description="the most `cost_usd` may become; null: no cap")
    quota_remaining: int | None = Field(description="units left in all; null: no limit")
    jobs: int = Field(description="jobs delivered")
    by_day: list[DayUsage]
    by_key: list[KeyUsage]
    by_template: list[TemplateUsage]
    periods: list[str] = Field(description="months in which something was used, newest first")


class SpendCap(BaseModel):
    """The most a month may cost beyond the plan's price."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"spend_cap_usd": "25", "cost_usd": "1.72", "is_effective": True}]
        }
    )

    spend_cap_usd: str | None = Field(description="null: no cap")
    cost_usd: str = Field(description="what this month has cost so far, besides the plan's price")
    is_effective: bool = Field(description="false: the plan stops at its included units anyway")


class SpendCapRequest(BaseModel):
    """A new spend cap."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"spend_cap_usd": "25"}]}
    )

    spend_cap_usd: Annotated[Decimal, Field(ge=0, le=1_000_000, decimal_places=2)] | None = Field(
        description="dollars and cents; 0: only what the plan includes; null: no cap"
    )


def render_usage(
    account: Account, plan: Plan, statement: Statement, periods: list[str]
) -> UsageResponse:
    """Return a statement as the API shows it."""
    usage, templates = statement.usage, statement.usage.by_template
    cap = account.spend_cap_cents
    return UsageResponse(
        period=statement.period,
        starts_at=get_start(statement.period),
        ends_at=get_end(statement.period),
        plan=statement.plan_name or plan.name,
        used=usage.settled,
        reserved=usage.reserved,
        included=statement.included,
        remaining=statement.remaining,
        overage=statement.overage,
        cost_usd=make_usd(statement.cost_micros),
        plan_price_usd=make_usd(statement.price_micros),
        spend_cap_usd=None if cap is None else make_usd(cap * 10_000),
        quota_remaining=statement.quota_remaining,
        jobs=usage.jobs,
        by_day=[DayUsage(day=day, units=n) for day, n in usage.by_day.items()],
        by_key=[KeyUsage(key_id=key, units=n) for key, n in usage.by_key.items()],
        by_template=[TemplateUsage(template=name, units=n) for name, n in templates.items()],
        periods=periods,
    )
