"""The worker program: one process that drives jobs and empties queues.

Dramatiq runs here as a library: its own command line quits whole when one child dies and
leaves orphans when the master does. Everything about jobs happens on one event loop; the
actors are doorbells that wake it.
"""

import asyncio
import importlib
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial

import uvloop

from comfyhoused.adapters.queue.doorbell import make_broker, make_listener
from comfyhoused.adapters.redis.client import StoreUnavailable
from comfyhoused.api.back_office import BackOffice, WorkerOffice
from comfyhoused.api.closing import close_months
from comfyhoused.api.plans import PlanBook
from comfyhoused.api.settlement import settle_ending
from comfyhoused.api.webhook_events import make_post
from comfyhoused.api.webhook_notices import post_notices
from comfyhoused.core.chores import do_chore
from comfyhoused.core.files.sweep import sweep_files
from comfyhoused.core.jobs.archive import archive_jobs, mark_old_jobs
from comfyhoused.core.jobs.erasing import erase_marked_jobs
from comfyhoused.core.jobs.foreman import Foreman
from comfyhoused.core.jobs.insist import insist
from comfyhoused.core.jobs.outbox import Outbox, Settle
from comfyhoused.core.jobs.settlement import Ending
from comfyhoused.core.mail.send import send_due_mails
from comfyhoused.core.webhooks.events import sweep_events
from comfyhoused.core.webhooks.postman import Postman
from comfyhoused.kit.ids import make_id
from comfyhoused.kit.log import configure_logging, get_logger
from comfyhoused.resources import Resources, UnfitHouse, get_redis_url, open_resources
from comfyhoused.settings import Settings

log = get_logger(__name__)

_STORE_SECONDS = 1.0
_SETTLE_SECONDS = 0.5
_FILES_SECONDS = 30.0
_MAIL_SECONDS = 2.0
_WEBHOOKS_SECONDS = 3.0


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    settings = Settings.load()
    configure_logging(settings.house.log_level)
    try:
        uvloop.run(work(settings))
    except UnfitHouse as error:
        sys.exit(str(error))


async def work(settings: Settings) -> None:
    """Open what is needed, work until a signal comes, leave in good order."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    if await _wait_for_store(settings, stopping):
        async with open_resources(settings) as resources, _open_creator(resources) as creator:
            await _work_with(resources, creator, stopping)


@dataclass(frozen=True)
class _Creator:
    """The other door's side of a worker, where that door is open."""

    settle: Settle
    tend: Callable[[str], Awaitable[None]]


@asynccontextmanager
async def _open_creator(resources: Resources) -> AsyncIterator[_Creator | None]:
    """Load Creator where a database is named, and only there: workers begin twice as fast."""
    if resources.settings.creator.database_url is None:
        yield None
        return
    working = importlib.import_module("comfyhoused.creator.working")
    async with working.open_creator(resources) as creator:
        yield _Creator(working.make_settler(creator), partial(working.tend, creator))


async def _work_with(
    resources: Resources, creator: _Creator | None, stopping: asyncio.Event
) -> None:
    name = make_id("worker", 12)
    plans = PlanBook.load(resources.settings.house.plans_file)
    office = WorkerOffice(resources, plans)
    # Loading its data, Redis answers what the check asks, but nothing else.
    prefix = f"ch-{await insist(lambda: get_house(resources))}-"
    foreman = Foreman(resources, name, client_prefix=prefix)
    loop = asyncio.get_running_loop()
    broker = make_broker(get_redis_url(resources.settings))
    listener = make_listener(broker, lambda: _ring_from_thread(loop, foreman))
    tasks = [
        asyncio.create_task(foreman.work()),
        asyncio.create_task(_settle(resources, name, _make_settlers(resources, plans, creator))),
        asyncio.create_task(_sweep_files(resources, plans)),
        asyncio.create_task(_send_mails(resources)),
        asyncio.create_task(Postman(make_post(office)).work()),
        asyncio.create_task(_tend_webhooks(office)),
        *([asyncio.ensure_future(creator.tend(name))] if creator is not None else ()),
        asyncio.create_task(_wait(stopping)),
    ]
    listener.start()
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        log.info("%s leaves %d jobs to others", name, await foreman.leave())
        await asyncio.to_thread(listener.stop, 2000)


def _ring_from_thread(loop: asyncio.AbstractEventLoop, foreman: Foreman) -> None:
    loop.call_soon_threadsafe(foreman.ring)


async def _wait_for_store(settings: Settings, stopping: asyncio.Event) -> bool:
    """Return whether the store answers; False when a signal came first."""
    while not stopping.is_set():
        try:
            async with open_resources(settings):
                return True
        except StoreUnavailable:
            log.warning("waiting for Redis")
        with suppress(TimeoutError):
            async with asyncio.timeout(_STORE_SECONDS):
                await stopping.wait()
    return False


async def _wait(stopping: asyncio.Event) -> None:
    await stopping.wait()


def _make_settlers(
    resources: Resources, plans: PlanBook, creator: _Creator | None
) -> dict[str, Settle]:
    """Return by kind of owner who settles what has ended."""

    async def settle_account(ending: Ending) -> None:
        await settle_ending(resources, plans, ending)

    settlers: dict[str, Settle] = {"account": settle_account}
    if creator is not None:
        settlers["user"] = creator.settle
    return settlers


async def _settle(resources: Resources, name: str, settlers: dict[str, Settle]) -> None:
    outbox = Outbox(resources, settlers)
    while True:
        await do_chore("settling", lambda: outbox.settle_endings(name))
        await do_chore("erasing", lambda: erase_marked_jobs(resources))
        await asyncio.sleep(_SETTLE_SECONDS)


async def _sweep_files(resources: Resources, plans: PlanBook) -> None:
    after_seconds = resources.settings.jobs.archive_after_seconds
    record_days = resources.settings.jobs.job_record_days
    store, storage = resources.store, resources.storage
    while True:
        await do_chore("sweeping files", lambda: sweep_files(store, storage))
        await do_chore(
            "archiving", lambda: archive_jobs(store, storage, after_seconds=after_seconds)
        )
        await do_chore("forgetting", lambda: mark_old_jobs(store, after_days=record_days))
        await do_chore("closing months", lambda: close_months(resources, plans))
        await asyncio.sleep(_FILES_SECONDS)


async def _send_mails(resources: Resources) -> None:
    while True:
        await do_chore("sending mails", lambda: send_due_mails(resources))
        await asyncio.sleep(_MAIL_SECONDS)


async def _tend_webhooks(office: BackOffice) -> None:
    while True:
        await do_chore("telling of disabled endpoints", lambda: post_notices(office))
        await do_chore("sweeping webhooks", lambda: sweep_events(office.resources.store))
        await asyncio.sleep(_WEBHOOKS_SECONDS)


async def get_house(resources: Resources) -> str:
    """Return the name of this house, made once: several may share a ComfyUI server."""
    name = await resources.store.get("ch:1:house")
    if name is None:
        await resources.store.set("ch:1:house", make_id("house", 8), nx=True)
        name = await resources.store.get("ch:1:house")
    return str(name)
