"""From the body of a batch to admitted jobs: all of them, or none and nothing left behind."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from comfyhoused.adapters.queue.doorbell import ring
from comfyhoused.adapters.redis.client import StoreFull, StoreUnavailable
from comfyhoused.api.acceptance import (
    check_features,
    drop_files,
    explaining_refusal,
    hold_inputs,
    make_application,
    make_digest,
)
from comfyhoused.api.batch_bodies import Faults, list_requests
from comfyhoused.api.batch_room import check_line, check_quota
from comfyhoused.api.batch_schemas import BatchRequest
from comfyhoused.api.house import ApiHouse, Principal, check_may_work
from comfyhoused.api.moderation import review_proposal
from comfyhoused.api.proposals.proposal import Proposal
from comfyhoused.api.proposals.propose import JobRequest, propose
from comfyhoused.api.webhook_urls import check_webhook_url
from comfyhoused.core.jobs.admission import Application, find_replay
from comfyhoused.core.jobs.batch_admission import (
    BatchAdmission,
    BatchApplication,
    admit_batch,
)
from comfyhoused.kit.errors import ComfyhouseError
from comfyhoused.kit.ids import make_id

#: Jobs of a batch that are looked at together: their pictures may have to be fetched.
_ABREAST = 4
#: What is wrong with one job, not with the customer or the house.
OF_ONE_JOB = frozenset({400, 404, 409, 413, 415, 422})


async def accept_batch(
    house: ApiHouse, principal: Principal, request: BatchRequest, idempotency_key: str
) -> BatchAdmission:
    """Accept all jobs of a batch or none; raises BatchRefused and what one job raises."""
    digest = ""
    if idempotency_key:
        digest = await asyncio.to_thread(make_digest, request)
        known = await find_replay(house.resources.store, principal.owner, idempotency_key, digest)
        if known is not None:
            return BatchAdmission(known.job_id, is_replayed=True, should_ring=False)
    check_may_work(principal)
    url = ""
    if request.webhook_url is not None:
        url = check_webhook_url(house, principal.plan, request.webhook_url, pointer="/webhook_url")
    requests = await asyncio.to_thread(list_requests, request)
    # Before any picture is taken in: a thousand of them cost us more than the refusal costs.
    check_line(house, principal, len(requests))
    await check_quota(house, principal, len(requests))
    batch_id = make_id("batch")
    carried: list[str] = []
    try:
        jobs = await _make_applications(house, principal, request, requests, batch_id, carried)
        application = BatchApplication(
            batch_id=batch_id,
            jobs=jobs,
            metadata=request.metadata,
            webhook_url=url,
            idempotency_key=idempotency_key,
            body_digest=digest,
        )
    except ComfyhouseError:
        await drop_files(house, principal, carried)
        raise
    admission = await _admit(house, principal, application, carried)
    if admission.batch_id != batch_id:
        await drop_files(house, principal, carried)
    ring_for(house, should_ring=admission.should_ring)
    return admission


def ring_for(house: ApiHouse, *, should_ring: bool) -> None:
    """Ring the doorbell; only a hurry, for the admission has called every live worker."""
    if should_ring:
        asyncio.get_running_loop().run_in_executor(None, ring, house.broker)


async def _admit(
    house: ApiHouse, principal: Principal, application: BatchApplication, carried: Sequence[str]
) -> BatchAdmission:
    whole = replace(application.jobs[0], units=sum(job.units for job in application.jobs))
    try:
        with explaining_refusal(house, principal, whole):
            return await admit_batch(house.resources.store, application)
    except ComfyhouseError as error:
        # A store that was cut off may have accepted it: then the files are its jobs'.
        if not isinstance(error, StoreUnavailable) or isinstance(error, StoreFull):
            await drop_files(house, principal, carried)
        raise


async def _make_applications(
    house: ApiHouse,
    principal: Principal,
    request: BatchRequest,
    requests: Sequence[JobRequest],
    batch_id: str,
    carried: list[str],
) -> list[Application]:
    """Return what each job asks for; `carried` gets the files that came along, in any case."""
    faults = Faults(request)
    applications: list[Application] = []

    async def make(number: int) -> Application | None:
        try:
            check_features(house, principal, requests[number])
            proposal = await propose(house, principal, requests[number])
            carried.extend(proposal.carried)
            await review_proposal(house, principal, proposal)
            return await _apply(house, principal, proposal, batch_id, number)
        except ComfyhouseError as error:
            if error.status not in OF_ONE_JOB:
                raise
            faults.add(number, error)
            return None

    for start in range(0, len(requests), _ABREAST):
        numbers = range(start, min(start + _ABREAST, len(requests)))
        made = await asyncio.gather(*map(make, numbers), return_exceptions=True)
        for one in made:
            if isinstance(one, BaseException):
                raise one
            if one is not None:
                applications.append(one)
        if faults.is_enough:
            break
        await asyncio.sleep(0)
    faults.check()
    return applications


async def _apply(
    house: ApiHouse, principal: Principal, proposal: Proposal, batch_id: str, number: int
) -> Application:
    application = make_application(house, principal, proposal, "", "")
    await hold_inputs(house, proposal, application)
    return replace(application, batch=batch_id, facts={**application.facts, "item": number})
