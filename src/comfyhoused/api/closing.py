"""The worker's chore: close the months that are over, by the plan that their account has."""

from datetime import timedelta

from comfyhoused.api.accounts import AccountNotFound, get_account
from comfyhoused.api.plans import PlanBook
from comfyhoused.api.quota import find_account_id
from comfyhoused.api.statement import describe_closing
from comfyhoused.core.jobs.closing import close_books, list_open_books
from comfyhoused.kit.clock import get_now
from comfyhoused.kit.periods import get_period
from comfyhoused.resources import Resources

#: Who was asked in the last moment of a month may still be accepted into it.
_AFTER = timedelta(hours=1)
_PAGE = 100


async def close_months(resources: Resources, plans: PlanBook) -> int:
    """Close what can be closed; returns how many books. Jobs that go on hold theirs open.

    Idempotent, and fine to run in several processes at once. Raises StorageUnavailable.
    """
    before = get_period(get_now() - _AFTER)
    closed, start = 0, 0
    while books := await list_open_books(resources.store, before, start=start, most=_PAGE):
        for owner, period in books:
            facts = await _describe(resources, plans, owner)
            if await close_books(resources.store, resources.storage, owner, period, facts):
                closed += 1
            else:
                start += 1
    return closed


async def _describe(resources: Resources, plans: PlanBook, owner: str) -> dict[str, str]:
    account_id = find_account_id(owner)
    if account_id is None:
        return {}
    try:
        account = await get_account(resources.store, account_id)
    except AccountNotFound:
        return {}
    return describe_closing(plans.get(account.plan))
