"""From a proposal to an admitted job: reserve, admit, ring."""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

from blake3 import blake3
from pydantic import BaseModel

from comfyhoused.adapters.queue.doorbell import ring
from comfyhoused.adapters.redis.client import StoreFull
from comfyhoused.api.client_tokens import TokenSpent, spending_token
from comfyhoused.api.house import ApiHouse, Principal, check_may_work
from comfyhoused.api.job_requests import JobOptions
from comfyhoused.api.moderation import review_proposal
from comfyhoused.api.plans import PlanLacksFeature
from comfyhoused.api.proposals.proposal import Proposal
from comfyhoused.api.proposals.propose import JobRequest, propose
from comfyhoused.api.quota import SpendCapReached, make_allowance, make_refusal
from comfyhoused.api.trials import CANCELED, TrialUnknown, try_on
from comfyhoused.api.webhook_urls import check_webhook_url
from comfyhoused.core.files.records import FileNotFound, delete_file, hold_files
from comfyhoused.core.jobs.admission import (
    Admission,
    Application,
    IdempotencyConflict,
    QuotaExceeded,
    TooManyJobs,
    admit,
    find_replay,
)
from comfyhoused.core.jobs.cancel import cancel_job
from comfyhoused.core.moderation.asking import ContentRefused, ModerationDown
from comfyhoused.core.workflows.files import list_file_ids
from comfyhoused.core.workflows.run_kind import name_run_kind
from comfyhoused.kit.clock import get_now
from comfyhoused.kit.http.errors import UrlRefused
from comfyhoused.kit.ids import make_job_id
from comfyhoused.kit.periods import get_day, get_period

#: A job that loses its server is tried again: its inputs stay so much longer.
_SPARE_SECONDS = 86_400
#: After these nothing was stored, for certain.
_REFUSALS = (
    IdempotencyConflict,
    QuotaExceeded,
    SpendCapReached,
    TooManyJobs,
    PlanLacksFeature,
    UrlRefused,
    TokenSpent,
    TrialUnknown,
    ContentRefused,
    ModerationDown,
    StoreFull,
)


async def accept(
    house: ApiHouse, principal: Principal, request: JobRequest, idempotency_key: str
) -> Admission:
    """Accept any request as a job; raises what is wrong with it.

    One that was accepted before is answered before anything of it is checked or fetched.
    """
    digest = await asyncio.to_thread(make_digest, request) if idempotency_key else ""
    if idempotency_key:
        replay = await find_replay(house.resources.store, principal.owner, idempotency_key, digest)
        if replay is not None:
            return replay
    check_may_work(principal)
    check_features(house, principal, request)
    proposal = await propose(house, principal, request)
    return await accept_proposal(house, principal, proposal, idempotency_key, digest)


async def accept_proposal(
    house: ApiHouse,
    principal: Principal,
    proposal: Proposal,
    idempotency_key: str,
    digest: str = "",
) -> Admission:
    """Accept a proposal as a job; a refused one leaves nothing behind.

    `digest` says which request an Idempotency-Key belongs to; see `make_digest`.
    """
    if idempotency_key and not digest:
        digest = await asyncio.to_thread(make_digest, proposal.request, proposal.template)
    try:
        application = make_application(house, principal, proposal, idempotency_key, digest)
        await review_proposal(house, principal, proposal)
        await hold_inputs(house, proposal, application)
        store = house.resources.store
        async with spending_token(store, principal.token, proposal.units) as spending:
            with explaining_refusal(house, principal, application):
                admission = await admit(store, application)
            spending.is_kept = admission.job_id == application.job_id
    except _REFUSALS:
        await drop_files(house, principal, proposal.carried)
        raise
    if admission.job_id != application.job_id:
        # The first request brought the same picture; this copy belongs to no job. (A connection
        # that broke sends a script twice: then the job that was there before is this one.)
        await drop_files(house, principal, proposal.carried)
    if admission.should_ring:
        # Only a hurry: the admission has rung the bell of every live worker already.
        asyncio.get_running_loop().run_in_executor(None, ring, house.broker)
    if principal.trial == CANCELED:
        await cancel_job(house.resources.store, principal.owner, admission.job_id)
    return admission


async def hold_inputs(house: ApiHouse, proposal: Proposal, application: Application) -> None:
    """Have the job's files stay until it is over at the latest, whatever the plan says."""
    await hold_graph_files(house, proposal.workflow.graph, application)


async def hold_graph_files(
    house: ApiHouse, graph: Mapping[str, Any], application: Application
) -> None:
    """As hold_inputs, for a graph."""
    seconds = application.expires_in_seconds + application.timeout_seconds + _SPARE_SECONDS
    until = get_now() + timedelta(seconds=seconds)
    await hold_files(house.resources.store, list_file_ids(graph), until)


@contextmanager
def explaining_refusal(
    house: ApiHouse, principal: Principal, application: Application
) -> Iterator[None]:
    """Turn QuotaExceeded into what the customer can do about it."""
    try:
        yield
    except QuotaExceeded as error:
        raise make_refusal(
            house.plans.get(principal.plan),
            principal.spend_cap_cents,
            units=application.units,
            units_left=error.units_left,
            period=application.period,
        ) from error


def make_application(
    house: ApiHouse, principal: Principal, proposal: Proposal, idempotency_key: str, digest: str
) -> Application:
    """Return what admission asks for, with a job id of its own.

    Raises AccountStopped, PlanLacksFeature, TrialUnknown, UrlRefused.
    """
    check_may_work(principal)
    proposal = try_on(proposal, principal.trial)
    jobs = house.resources.settings.jobs
    request = proposal.request
    plan = house.plans.get(principal.plan)
    check_features(house, principal, request)
    now = get_now()
    return Application(
        job_id=make_job_id(),
        owner=principal.owner,
        mode=principal.mode,
        plan_class=plan.plan_class,
        kind=proposal.kind,
        spec={
            "graph": proposal.workflow.graph,
            "carried": list(proposal.carried),
            "finish": proposal.finish,
        },
        facts={
            "run_kind": name_run_kind(proposal.workflow.graph),
            "template": proposal.template,
            "parameters": proposal.parameters,
            "metadata": request.metadata,
        },
        model=proposal.model,
        units=proposal.units if principal.mode == "live" else 0,
        limit=make_allowance(plan, principal.spend_cap_cents).units,
        priority=request.priority,
        timeout_seconds=request.timeout_seconds
        or min(jobs.job_timeout_seconds, plan.longest_run_seconds),
        expires_in_seconds=request.expires_in_seconds or jobs.job_expires_seconds,
        idempotency_key=idempotency_key,
        body_digest=digest,
        period=get_period(now),
        day=get_day(now),
        key_id=principal.key_id,
        template=proposal.template,
        keep_seconds=plan.keep_seconds,
        webhook_url=_check_webhook_url(house, plan.name, request),
        concurrency=plan.concurrency,
        most_waiting=plan.most_waiting,
    )


def _check_webhook_url(house: ApiHouse, plan: str, request: JobOptions) -> str:
    if request.webhook_url is None:
        return ""
    return check_webhook_url(house, plan, request.webhook_url, pointer="/webhook_url")


def check_features(house: ApiHouse, principal: Principal, request: JobOptions) -> None:
    """Raise PlanLacksFeature where the options of a job need a larger plan."""
    if request.priority:
        house.plans.require_feature(principal.plan, "priority")
    if request.timeout_seconds is not None:
        house.plans.require_run(principal.plan, request.timeout_seconds)


async def drop_files(house: ApiHouse, principal: Principal, file_ids: Sequence[str]) -> None:
    """Delete files that came inside a request which became no job."""
    for file_id in file_ids:
        with suppress(FileNotFound):
            await delete_file(
                house.resources.store, house.resources.storage, principal.owner, file_id
            )


def make_digest(request: BaseModel, target: str = "") -> str:
    """Return what tells two requests apart that carry one Idempotency-Key.

    `target` is the part of it that stands in the address.
    """
    # The stray parts of a graph are not checked; only this writer takes whatever JSON can hold.
    body = json.dumps(request.model_dump(), sort_keys=True)
    return blake3(f"{type(request).__name__}/{target}/{body}".encode()).hexdigest()
