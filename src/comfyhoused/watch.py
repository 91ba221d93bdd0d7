"""The watcher program: a process that looks at the folders of Creator's users; several may run."""

import asyncio
import signal
import sys
from contextlib import suppress

import uvloop

from comfyhoused.adapters.redis.client import StoreUnavailable
from comfyhoused.creator.opening import open_creator, wait_for_schema
from comfyhoused.creator.watching.watcher import Watcher
from comfyhoused.kit.ids import make_id
from comfyhoused.kit.log import configure_logging, get_logger
from comfyhoused.resources import Resources, UnfitHouse, check_fitness, open_resources
from comfyhoused.settings import Settings

log = get_logger(__name__)

_STORE_SECONDS = 1.0


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    settings = Settings.load()
    configure_logging(settings.house.log_level)
    try:
        uvloop.run(watch(settings))
    except UnfitHouse as error:
        sys.exit(str(error))


async def watch(settings: Settings) -> None:
    """Open what is needed, watch until a signal comes. Raises UnfitHouse."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with open_resources(settings, needs_store=False) as resources:
        work = asyncio.create_task(_watch_with(resources))
        stop = asyncio.create_task(stopping.wait())
        done, _ = await asyncio.wait((work, stop), return_when=asyncio.FIRST_COMPLETED)
        for task in (work, stop):
            task.cancel()
        await asyncio.gather(work, stop, return_exceptions=True)
        if work in done:
            work.result()


async def _watch_with(resources: Resources) -> None:
    await _wait_for_store(resources)
    async with open_creator(resources) as house:
        await wait_for_schema(house)
        name = make_id("watcher", 12)
        log.info("%s watches", name)
        await Watcher(house, name).work()


async def _wait_for_store(resources: Resources) -> None:
    """Watching needs Redis only to tell open pages; but an unfit one is refused here too."""
    while True:
        with suppress(StoreUnavailable):
            await check_fitness(resources)
            return
        log.warning("waiting for Redis")
        await asyncio.sleep(_STORE_SECONDS)
