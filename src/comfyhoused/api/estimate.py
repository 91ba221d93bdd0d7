"""POST /estimate: what a request would cost, and how long it would take, before it is sent."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Body
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from comfyhoused.api.acceptance import check_features, drop_files
from comfyhoused.api.batch_acceptance import OF_ONE_JOB
from comfyhoused.api.batch_bodies import Faults, list_requests
from comfyhoused.api.batch_room import check_line
from comfyhoused.api.batch_schemas import BatchRequest
from comfyhoused.api.documented_problems import BODY_PROBLEMS, NOT_FOUND, PROBLEMS
from comfyhoused.api.house import ApiHouse, House, JobWriter, Principal
from comfyhoused.api.job_bodies import JobBody
from comfyhoused.api.job_requests import SUBMIT_EXAMPLES
from comfyhoused.api.money import make_usd
from comfyhoused.api.prices import make_price
from comfyhoused.api.proposals.proposal import Proposal
from comfyhoused.api.proposals.propose import JobRequest, propose
from comfyhoused.api.quota import make_allowance
from comfyhoused.core.jobs.admission import UNLIMITED
from comfyhoused.core.jobs.books import read_usage
from comfyhoused.core.jobs.outlook import get_outlook
from comfyhoused.core.workflows.run_kind import name_run_kind
from comfyhoused.kit.errors import ComfyhouseError
from comfyhoused.kit.periods import get_period

router = APIRouter(tags=["Usage"])


class Estimate(BaseModel):
    """What a request would cost now. Nothing was accepted, reserved or kept."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "jobs": 1,
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

    jobs: int = Field(description="1, or the jobs of the batch")
    units: int = Field(description="charged when it is delivered; a workflow: at most")
    included_units: int = Field(description="of these, what the plan's price still holds")
    overage_units: int = Field(description="of these, what is paid beyond it")
    price_usd: str = Field(description="dollars, as text: the overage units' price")
    quota_remaining: int | None = Field(description="units left in this month; null: no limit")
    fits: bool = Field(description="whether quota and spend cap leave room for it now")
    wait_seconds: float | None = Field(
        description="estimated wait in line; null: no server is there, or nothing has run yet"
    )
    run_seconds: float | None = Field(
        description="usual run time of the first; null: nothing has run yet"
    )
    jobs_before: int = Field(description="waiting jobs that would go first")


def _name_kind(body: Any) -> str:
    if isinstance(body, BatchRequest):
        return "batch"
    lists = (body.get("jobs"), body.get("inputs")) if isinstance(body, dict) else ()
    return "batch" if any(isinstance(one, list) for one in lists) else "job"


_EstimateBody = Annotated[
    Annotated[BatchRequest, Tag("batch")] | Annotated[JobBody, Tag("job")],
    Discriminator(_name_kind),
    Body(
        description="what POST /jobs takes, or what POST /batches takes",
        openapi_examples=SUBMIT_EXAMPLES,
    ),
]


@router.post("/estimate", responses={**BODY_PROBLEMS, **PROBLEMS, **NOT_FOUND})
async def estimate(house: House, principal: JobWriter, body: _EstimateBody) -> Estimate:
    """Tell units, price and wait of a job or a batch, and accept nothing.

    What POST /jobs or POST /batches would refuse is refused here in the same words.
    """
    if isinstance(body, BatchRequest):
        proposals = await _propose_batch(house, principal, body)
        return await price_proposals(house, principal, proposals)
    return await make_estimate(house, principal, body)


async def make_estimate(house: ApiHouse, principal: Principal, request: JobRequest) -> Estimate:
    """Return what a request would cost; raises what is wrong with it. Nothing is kept."""
    return await price_proposals(house, principal, [await _propose(house, principal, request)])


async def _propose(house: ApiHouse, principal: Principal, request: JobRequest) -> Proposal:
    check_features(house, principal, request)
    proposal = await propose(house, principal, request)
    await drop_files(house, principal, proposal.carried)
    return proposal


async def _propose_batch(
    house: ApiHouse, principal: Principal, batch: BatchRequest
) -> list[Proposal]:
    faults = Faults(batch)
    proposals: list[Proposal] = []
    requests = await asyncio.to_thread(list_requests, batch)
    check_line(house, principal, len(requests))
    for number, request in enumerate(requests):
        try:
            proposals.append(await _propose(house, principal, request))
        except ComfyhouseError as error:
            if error.status not in OF_ONE_JOB:
                raise
            faults.add(number, error)
        if faults.is_enough:
            break
    faults.check()
    return proposals


async def price_proposals(
    house: ApiHouse, principal: Principal, proposals: Sequence[Proposal]
) -> Estimate:
    """Return what proposals would cost now, at least one; times are those of the first."""
    store, plan = house.resources.store, house.plans.get(principal.plan)
    units = sum(one.units for one in proposals) if principal.mode == "live" else 0
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
        run_kind=name_run_kind(proposals[0].workflow.graph),
    )
    return Estimate(
        jobs=len(proposals),
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
