"""POST /estimate: what a request would cost, and how long it would take, before it is sent."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from comfyhoused.api.acceptance import check_features, drop_files
from comfyhoused.api.house import ApiHouse, House, JobWriter, Principal
from comfyhoused.api.jobs import SubmitBody
from comfyhoused.api.money import make_usd
from comfyhoused.api.periods import get_period
from comfyhoused.api.prices import make_price
from comfyhoused.api.proposals.proposal import Proposal
from comfyhoused.api.proposals.propose import JobRequest, propose
from comfyhoused.api.quota import make_allowance
from comfyhoused.api.schemas import BODY_PROBLEMS, NOT_FOUND, PROBLEMS
from comfyhoused.core.jobs.admission import UNLIMITED
from comfyhoused.core.jobs.books import read_usage
from comfyhoused.core.jobs.outlook import get_outlook
from comfyhoused.core.workflows.run_kind import name_run_kind

router = APIRouter(tags=["Usage"])


class Estimate(BaseModel):
    """What a request would cost now. Nothing was accepted, reserved or kept."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "units": 4,
                    "included_units": 1,
                    "overage_units": 3,
                    "price_usd": "0.12",
                    "quota_remaining": 250,
                    "fits": True,
                    "wait_seconds": 2.5,
                    "run_seconds": 4.1,
                    "jobs_before": 1,
                }
            ]
        }
    )

    units: int = Field(description="charged when it is delivered; a workflow: at most")
    included_units: int = Field(description="of these, what the plan's price still holds")
    overage_units: int = Field(description="of these, what is paid beyond it")
    price_usd: str = Field(description="dollars, as text: the overage units' price")
    quota_remaining: int | None = Field(description="units left in this month; null: no limit")
    fits: bool = Field(description="whether quota and spend cap leave room for it now")
    wait_seconds: float | None = Field(
        description="estimated wait in line; null: no server is there, or nothing has run yet"
    )
    run_seconds: float | None = Field(description="usual run time; null: nothing has run yet")
    jobs_before: int = Field(description="waiting jobs that would go first")


@router.post("/estimate", responses={**BODY_PROBLEMS, **PROBLEMS, **NOT_FOUND})
async def estimate(house: House, principal: JobWriter, body: SubmitBody) -> Estimate:
    """Tell units, price and wait of a job. It takes what POST /jobs takes, and accepts nothing.

    What POST /jobs would refuse is refused here in the same words.
    """
    return await make_estimate(house, principal, body)


async def make_estimate(house: ApiHouse, principal: Principal, request: JobRequest) -> Estimate:
    """Return what a request would cost; raises what is wrong with it. Nothing is kept."""
    check_features(house, principal, request)
    proposal = await propose(house, principal, request)
    await drop_files(house, principal, proposal.carried)
    return await price_proposal(house, principal, proposal)


async def price_proposal(house: ApiHouse, principal: Principal, proposal: Proposal) -> Estimate:
    """Return what a proposal would cost now."""
    store, plan = house.resources.store, house.plans.get(principal.plan)
    units = proposal.units if principal.mode == "live" else 0
    usage = await read_usage(store, principal.owner, get_period())
    used = usage.settled + usage.reserved
    price = make_price(plan, units, used=used)
    limit = make_allowance(plan, principal.spend_cap_cents).units
    left = None if limit == UNLIMITED or principal.mode == "test" else max(0, limit - used)
    outlook = await get_outlook(
        store,
        mode=principal.mode,
        plan_class=plan.plan_class,
        owner=principal.owner,
        run_kind=name_run_kind(proposal.workflow.graph),
    )
    return Estimate(
        units=units,
        included_units=price.included_units,
        overage_units=price.overage_units,
        price_usd=make_usd(price.micros),
        quota_remaining=left,
        fits=left is None or units <= left,
        wait_seconds=outlook.wait_seconds,
        run_seconds=outlook.run_seconds,
        jobs_before=outlook.jobs_before,
    )
