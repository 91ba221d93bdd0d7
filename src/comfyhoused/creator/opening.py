"""Opens Creator's side of a house and waits until its database is fit."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from comfyhoused.adapters.postgres.database import Database, DatabaseUnavailable, open_database
from comfyhoused.adapters.postgres.durability import find_weaknesses
from comfyhoused.core.photos.studio import PhotoStudio
from comfyhoused.creator.google import open_google
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.plans import CreatorPlanBook
from comfyhoused.creator.presets.book import PresetBook
from comfyhoused.creator.schema import check_schema
from comfyhoused.kit.log import get_logger
from comfyhoused.resources import Resources, UnfitHouse
from comfyhoused.settings import Settings

log = get_logger(__name__)

_DATABASE_SECONDS = 1.0


@asynccontextmanager
async def open_creator(resources: Resources) -> AsyncIterator[CreatorHouse]:
    """Yield Creator's side of the house. Reaches for nothing.

    Raises UnfitHouse where no database is named, and for plans, presets or keys that are not
    right.
    """
    settings = resources.settings
    database = make_database(settings)
    if database is None:
        raise UnfitHouse("CH_DATABASE_URL is not set: Creator keeps its users there.")
    try:
        async with open_google(settings) as google:
            yield CreatorHouse(
                resources,
                database,
                CreatorPlanBook.load(settings.creator.creator_plans_file),
                PresetBook.load(settings.creator.presets_dir),
                PhotoStudio(),
                google,
            )
    finally:
        await database.aclose()


def make_database(settings: Settings) -> Database | None:
    """Return Creator's Postgres, without connecting; None where none is named."""
    url = settings.creator.database_url
    try:
        return open_database(url) if url is not None else None
    except ValueError as error:
        # The address is not repeated: it holds a password.
        raise UnfitHouse("CH_DATABASE_URL must be postgresql://user:password@host/name.") from error


async def wait_for_schema(house: CreatorHouse) -> None:
    """Return once the database answers and is of this version; raises UnfitHouse.

    Production refuses one that may lose what it has committed; development warns.
    """
    while True:
        try:
            await check_schema(house.database)
            await _check_durability(house)
        except DatabaseUnavailable:
            log.warning("waiting for Postgres")
            await asyncio.sleep(_DATABASE_SECONDS)
        else:
            return


async def _check_durability(house: CreatorHouse) -> None:
    reasons = [f"Postgres: {reason}" for reason in await find_weaknesses(house.database)]
    if reasons and house.resources.settings.house.mode == "production":
        raise UnfitHouse("Not fit for production:\n- " + "\n- ".join(reasons))
    for reason in reasons:
        log.warning("development only: %s", reason)
