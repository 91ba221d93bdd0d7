"""Requests before they are admitted: the operator's judge, and the stop for whoever insists."""

import secrets
from typing import Any

from comfyhoused.adapters.redis.client import Store
from comfyhoused.api.accounts import stop_account
from comfyhoused.api.house import ApiHouse, Principal
from comfyhoused.api.proposals.proposal import Proposal
from comfyhoused.api.quota import find_account_id
from comfyhoused.core.files.links import make_file_link
from comfyhoused.core.files.records import get_file
from comfyhoused.core.jobs.record import find_job
from comfyhoused.core.jobs.settlement import Ending
from comfyhoused.core.jobs.states import JobState
from comfyhoused.core.moderation.asking import ContentRefused, ask
from comfyhoused.core.workflows.files import list_file_ids
from comfyhoused.kit.clock import get_now
from comfyhoused.kit.periods import get_day
from comfyhoused.resources import Resources

_KEEP_SECONDS = 2 * 86_400
_UNSAID = frozenset({"filename_prefix"})


async def review_proposal(house: ApiHouse, principal: Principal, proposal: Proposal) -> None:
    """Ask the operator's judge about a request; raises ContentRefused, ModerationDown."""
    resources = house.resources
    settings = resources.settings.moderation
    if resources.moderator is None or not settings.moderation_before:
        return
    question = await _make_question(resources, principal, proposal)
    try:
        await ask(resources.moderator, question, when_down=settings.moderation_when_down)
    except ContentRefused:
        await count_refusal(resources, principal.owner, secrets.token_hex(8))
        raise


async def note_refused_job(resources: Resources, ending: Ending) -> None:
    """Count a job whose outputs were refused against its account. Idempotent."""
    if resources.moderator is None or ending.state is not JobState.FAILED:
        return
    job = await find_job(resources.store, ending.job_id)
    if job is not None and job.error is not None and job.error["code"] == ContentRefused.code:
        await count_refusal(resources, ending.owner, ending.job_id)


async def count_refusal(resources: Resources, owner: str, refusal_id: str) -> None:
    """Count a refusal of today, once by its id, and stop the account that has too many.

    What is tried in test mode does not count.
    """
    most = resources.settings.moderation.moderation_stop_after
    account_id = find_account_id(owner)
    if most == 0 or account_id is None:
        return
    store = resources.store
    key = f"ch:1:account:{account_id}:refusals:{get_day(get_now())}"
    if await store.sadd(key, refusal_id):
        await store.expire(key, _KEEP_SECONDS)
        await _stop_where_too_many(store, key, account_id, most)


async def _stop_where_too_many(store: Store, key: str, account_id: str, most: int) -> None:
    count = await store.scard(key)
    if count >= most:
        reason = f"{count} requests of one day were refused for their content."
        await stop_account(store, account_id, reason)


async def _make_question(
    resources: Resources, principal: Principal, proposal: Proposal
) -> dict[str, Any]:
    graph = proposal.workflow.graph
    files = [
        await get_file(resources.store, principal.owner, file_id)
        for file_id in list_file_ids(graph)
    ]
    return {
        "stage": "before",
        "account": principal.account,
        "owner": principal.owner,
        "mode": principal.mode,
        "kind": proposal.kind,
        "template": proposal.template,
        "model": proposal.model,
        "texts": [
            {"node_id": node_id, "class_type": node["class_type"], "field": name, "text": value}
            for node_id, node in graph.items()
            for name, value in node["inputs"].items()
            if isinstance(value, str) and value and name not in _UNSAID
        ],
        "files": [
            {
                "file_id": one.id,
                "content_type": one.content_type,
                "hash": one.hash,
                "url": await make_file_link(resources, one),
            }
            for one in files
        ],
    }
