"""Trying the jobs of a batch again that were not delivered, each as a new job of its item."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import cast

from comfyhoused.api.acceptance import explaining_refusal, hold_graph_files
from comfyhoused.api.batch_acceptance import ring_for
from comfyhoused.api.house import ApiHouse, Principal, check_may_work
from comfyhoused.api.quota import make_allowance
from comfyhoused.core.jobs.admission import Application
from comfyhoused.core.jobs.archive import find_spec, load_document
from comfyhoused.core.jobs.batch_admission import Retrial, retry_items
from comfyhoused.core.jobs.batches import Item, get_batch, list_items
from comfyhoused.core.jobs.record import make_key
from comfyhoused.core.jobs.states import JobState
from comfyhoused.kit.clock import get_now
from comfyhoused.kit.ids import make_job_id
from comfyhoused.kit.periods import get_day, get_period

_AGAIN = frozenset({JobState.FAILED, JobState.CANCELED, JobState.EXPIRED})
_PAGE = 100


async def retry_batch(house: ApiHouse, principal: Principal, batch_id: str) -> int:
    """Try failed, canceled and expired jobs again; returns how many.

    All of them or, where quota or line have no room, none. Called twice it does it once.
    Raises BatchNotFound and as `admit`.
    """
    check_may_work(principal)
    store = house.resources.store
    await get_batch(store, principal.owner, batch_id)
    retrials = await _list_retrials(house, principal, batch_id)
    if not retrials:
        return 0
    first = retrials[0].application
    whole = replace(first, units=sum(one.application.units for one in retrials))
    with explaining_refusal(house, principal, whole):
        count, should_ring = await retry_items(store, principal.owner, batch_id, retrials)
    ring_for(house, should_ring=should_ring)
    return count


async def _list_retrials(house: ApiHouse, principal: Principal, batch_id: str) -> list[Retrial]:
    found: list[Retrial] = []
    cursor: str | None = None
    while True:
        page = await list_items(house.resources.store, batch_id, limit=_PAGE, cursor=cursor)
        for item in page.items:
            retrial = await _find_retrial(house, principal, batch_id, item)
            if retrial is not None:
                found.append(retrial)
        cursor = page.next_cursor
        if cursor is None:
            return found


async def _find_retrial(
    house: ApiHouse, principal: Principal, batch_id: str, item: Item
) -> Retrial | None:
    """Return the new job of an item; None where the old one needs none, or is not known whole."""
    if item.job is None or item.job.state not in _AGAIN:
        return None
    store, storage = house.resources.store, house.resources.storage
    spec = await find_spec(store, storage, item.job_id)
    if spec is None:
        return None
    job = await load_document(storage, item.job)
    record = cast(dict[str, str], await store.hgetall(make_key(job.id)))
    plan = house.plans.get(principal.plan)
    now = get_now()
    application = Application(
        job_id=make_job_id(),
        owner=principal.owner,
        mode=principal.mode,
        plan_class=plan.plan_class,
        kind=job.kind,
        spec=spec,
        facts=job.facts,
        model=record.get("model", ""),
        units=job.reserved_units,
        limit=make_allowance(plan, principal.spend_cap_cents).units,
        priority=int(record.get("priority") or 0),
        timeout_seconds=job.timeout_seconds,
        expires_in_seconds=(job.expires_at - job.created_at) // timedelta(seconds=1),
        period=get_period(now),
        day=get_day(now),
        key_id=principal.key_id,
        template=job.template,
        batch=batch_id,
        keep_seconds=plan.keep_seconds,
        webhook_url=record.get("webhook_url", ""),
        concurrency=plan.concurrency,
        most_waiting=plan.most_waiting,
    )
    await hold_graph_files(house, spec["graph"], application)
    # Files that came along with the request now belong to the new job alone.
    old_spec = json.dumps({**spec, "carried": []}) if spec.get("carried") else None
    return Retrial(item.number, job.id, application, old_spec)
