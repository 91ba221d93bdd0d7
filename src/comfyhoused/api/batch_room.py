"""Whether a batch can fit at all, told from the number of its jobs before any is looked at."""

from comfyhoused.api.house import ApiHouse, Principal
from comfyhoused.api.quota import make_allowance, make_refusal
from comfyhoused.core.jobs.admission import UNLIMITED, TooManyJobs
from comfyhoused.core.jobs.books import read_usage
from comfyhoused.kit.periods import get_period


def check_line(house: ApiHouse, principal: Principal, jobs: int) -> None:
    """Raise TooManyJobs for more jobs than the plan ever lets wait; admission counts exactly."""
    plan = house.plans.get(principal.plan)
    if jobs > plan.most_waiting:
        raise TooManyJobs(
            f"{plan.title} lets {plan.most_waiting:,} jobs wait in line; the batch has {jobs:,}."
        )


async def check_quota(house: ApiHouse, principal: Principal, jobs: int) -> None:
    """Raise what admission would: every job of a live key costs a unit at least."""
    plan = house.plans.get(principal.plan)
    limit = make_allowance(plan, principal.spend_cap_cents).units
    if principal.mode == "test" or limit == UNLIMITED:
        return
    period = get_period()
    usage = await read_usage(house.resources.store, principal.owner, period)
    left = max(0, limit - usage.settled - usage.reserved)
    if jobs > left:
        raise make_refusal(
            plan, principal.spend_cap_cents, units=jobs, units_left=left, period=period
        )
