"""What customers' servers are told, and how the bodies are written: links as fresh as each try."""

from collections.abc import Mapping
from typing import Any, Literal, get_args

from comfyhoused.api.accounts import Account, AccountNotFound, get_account
from comfyhoused.api.back_office import BackOffice
from comfyhoused.api.batch_rendering import render_batch
from comfyhoused.api.quota import find_account_id
from comfyhoused.api.rendering import render_job
from comfyhoused.core.jobs.batches import find_batch, find_completion, make_batch_key
from comfyhoused.core.jobs.record import find_job, make_key
from comfyhoused.core.jobs.settlement import Ending
from comfyhoused.core.webhooks.delivering import Post
from comfyhoused.core.webhooks.endpoints import Endpoint
from comfyhoused.core.webhooks.events import Event, emit, make_event_id
from comfyhoused.core.webhooks.schedule import Pace
from comfyhoused.kit.ids import make_id
from comfyhoused.resources import Resources

EventType = Literal[
    "job.succeeded",
    "job.failed",
    "job.canceled",
    "job.expired",
    "batch.completed",
    "usage.threshold",
]
EVENT_TYPES: tuple[EventType, ...] = get_args(EventType)
TEST_EVENT = "webhook.test"


async def emit_ending(resources: Resources, ending: Ending) -> None:
    """Tell that a job is over; idempotent. An erased one is not told of."""
    event_type = f"job.{ending.state.value}"
    await emit(
        resources.store,
        ending.owner,
        event_type,
        make_event_id(event_type, ending.job_id),
        keep_days=resources.settings.webhooks.webhook_log_days,
        subject=ending.job_id,
        record=make_key(ending.job_id),
    )


async def emit_batch(resources: Resources, batch_id: str) -> None:
    """Tell that a batch is over, if it is: once, and once more after each retry; idempotent."""
    completion = await find_completion(resources.store, batch_id)
    if completion is None:
        return
    owner, rounds = completion
    await emit(
        resources.store,
        owner,
        "batch.completed",
        make_event_id("batch.completed", f"{batch_id}/{rounds}"),
        keep_days=resources.settings.webhooks.webhook_log_days,
        subject=batch_id,
        record=make_batch_key(batch_id),
    )


async def emit_facts(
    resources: Resources, owner: str, event_type: EventType, subject: str, data: Mapping[str, Any]
) -> None:
    """Tell something that is all said in `data`; once for each type and subject."""
    event_id = make_event_id(event_type, f"{owner}/{subject}")
    keep_days = resources.settings.webhooks.webhook_log_days
    await emit(resources.store, owner, event_type, event_id, keep_days=keep_days, data=data)


async def emit_test(resources: Resources, endpoint: Endpoint) -> str:
    """Send a test event to one endpoint, in one try; returns the event's id."""
    event_id = make_id("msg", 26)
    await emit(
        resources.store,
        endpoint.owner,
        TEST_EVENT,
        event_id,
        keep_days=resources.settings.webhooks.webhook_log_days,
        data={"endpoint_id": endpoint.id, "message": "Webhooks of Comfyhouse reach you here."},
        only_endpoint=endpoint.id,
    )
    return event_id


def make_post(office: BackOffice) -> Post:
    """Return what a worker delivers with."""
    settings = office.resources.settings

    async def render(event: Event) -> Mapping[str, Any] | None:
        return await render_event(office, event)

    async def is_allowed(owner: str) -> bool:
        return await _has_webhooks(office, owner)

    return Post(
        store=office.resources.store,
        guard=office.resources.guard,
        house_secret=settings.house.secret.get_secret_value().encode(),
        render=render,
        is_allowed=is_allowed,
        pace=Pace(
            timeout_seconds=settings.webhooks.webhook_timeout_seconds,
            factor=settings.webhooks.webhook_pace,
            disable_days=settings.webhooks.webhook_disable_days,
        ),
    )


async def render_event(office: BackOffice, event: Event) -> Mapping[str, Any] | None:
    """Return the job or batch as GET shows it now; None when it is gone."""
    if event.type.startswith("batch."):
        batch = await find_batch(office.resources.store, event.subject, owner=event.owner)
        if batch is None:
            return None
        return render_batch(office.plans.units, batch).model_dump(mode="json")
    job = await find_job(office.resources.store, event.subject)
    if job is None or job.is_erasing or job.owner != event.owner:
        return None
    return (await render_job(office, job)).model_dump(mode="json")


async def find_address(office: BackOffice, owner: str) -> str | None:
    """Return where the owner's account gets mails; None for one without an address."""
    account = await _find_account(office, owner)
    return account.email or None if account is not None else None


async def _has_webhooks(office: BackOffice, owner: str) -> bool:
    account = await _find_account(office, owner)
    return account is None or office.plans.get(account.plan).has("webhooks")


async def _find_account(office: BackOffice, owner: str) -> Account | None:
    account_id = find_account_id(owner.removesuffix(":test"))
    if account_id is None:
        return None
    try:
        return await get_account(office.resources.store, account_id)
    except AccountNotFound:  # of before accounts were kept
        return None
