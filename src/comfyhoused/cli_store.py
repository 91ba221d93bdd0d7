"""What commands need that work on the data of a house."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import NoReturn, TypeVar

import typer

from comfyhoused.adapters.redis.client import Store, open_store
from comfyhoused.api.plans import PlanBook
from comfyhoused.embedded.running import find_running
from comfyhoused.resources import get_redis_url
from comfyhoused.settings import Settings

Answer = TypeVar("Answer")


def load_settings() -> Settings:
    """Read the settings; a house that `up` runs here tells what they leave open."""
    settings = Settings.load()
    running = find_running(settings.house.data_dir)
    if running is not None and settings.redis.redis_url is None:
        settings.redis = settings.redis.model_copy(update={"redis_url": running.redis_url})
        settings.fleet = settings.fleet.model_copy(update={"engine_url": running.engine_url})
    if running is not None and settings.creator.database_url is None:
        database_url = running.database_url or None
        settings.creator = settings.creator.model_copy(update={"database_url": database_url})
    return settings


def with_store(action: Callable[[Store], Awaitable[Answer]]) -> Answer:
    """Run an action on the house's store and return what it returns."""

    async def run() -> Answer:
        store = open_store(get_redis_url(load_settings()))
        try:
            return await action(store)
        finally:
            await store.aclose()

    return asyncio.run(run())


def check_plan(plan: str) -> None:
    """End the command where the house has no such plan."""
    plans = PlanBook.load(load_settings().house.plans_file)
    if not plans.knows(plan):
        fail(f"There is no plan {plan!r}; there are {', '.join(one.name for one in plans)}.")


def fail(sentence: str) -> NoReturn:
    """End the command with one sentence and exit code 1."""
    typer.echo(f"comfyhoused: {sentence}", err=True)
    sys.exit(1)
