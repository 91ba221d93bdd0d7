"""From a proposal to an admitted job: reserve, admit, ring."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress

from blake3 import blake3

from comfyhoused.adapters.queue.doorbell import ring
from comfyhoused.adapters.redis.client import StoreFull
from comfyhoused.api.house import ApiHouse, Principal
from comfyhoused.api.proposals.proposal import Proposal
from comfyhoused.api.proposals.propose import JobRequest, propose
from comfyhoused.core.files.records import FileNotFound, delete_file
from comfyhoused.core.jobs.admission import (
    Admission,
    Application,
    IdempotencyConflict,
    QuotaExceeded,
    admit,
)
from comfyhoused.core.workflows.run_kind import name_run_kind
from comfyhoused.kit.ids import make_job_id


async def accept(
    house: ApiHouse, principal: Principal, request: JobRequest, idempotency_key: str
) -> Admission:
    """Accept any request as a job; raises what is wrong with it."""
    proposal = await propose(house, principal, request)
    return await accept_proposal(house, principal, proposal, idempotency_key)


async def accept_proposal(
    house: ApiHouse, principal: Principal, proposal: Proposal, idempotency_key: str
) -> Admission:
    """Accept a proposal as a job; a refused one leaves nothing behind."""
    digest = await asyncio.to_thread(_make_digest, proposal) if idempotency_key else ""
    application = make_application(house, principal, proposal, idempotency_key, digest)
    try:
        admission = await admit(house.resources.store, application)
    except (IdempotencyConflict, QuotaExceeded, StoreFull):
        await _drop_files(house, principal, proposal.carried)
        raise
    if admission.is_replayed:
        # The first request brought the same picture; this copy belongs to no job.
        await _drop_files(house, principal, proposal.carried)
    if admission.should_ring:
        # Only a hurry: the admission has rung the bell of every live worker already.
        asyncio.get_running_loop().run_in_executor(None, ring, house.broker)
    return admission


def make_application(
    house: ApiHouse, principal: Principal, proposal: Proposal, idempotency_key: str, digest: str
) -> Application:
    """Return what admission asks for, with a job id of its own."""
    jobs = house.resources.settings.jobs
    request = proposal.request
    return Application(
        job_id=make_job_id(),
        owner=principal.owner,
        mode=principal.mode,
        plan_class=house.plans.get(principal.plan).plan_class,
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
        priority=request.priority,
        timeout_seconds=request.timeout_seconds or jobs.job_timeout_seconds,
        expires_in_seconds=request.expires_in_seconds or jobs.job_expires_seconds,
        idempotency_key=idempotency_key,
        body_digest=digest,
    )


async def _drop_files(house: ApiHouse, principal: Principal, file_ids: Sequence[str]) -> None:
    for file_id in file_ids:
        with suppress(FileNotFound):
            await delete_file(
                house.resources.store, house.resources.storage, principal.owner, file_id
            )


def _make_digest(proposal: Proposal) -> str:
    # The stray parts of a graph are not checked; only this writer takes whatever JSON can hold.
    body = json.dumps(proposal.request.model_dump(), sort_keys=True)
    return blake3(proposal.kind.encode() + body.encode()).hexdigest()
