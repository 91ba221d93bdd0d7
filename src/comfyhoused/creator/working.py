"""What a worker does for Creator.

A worker loads this only where Creator is open: with the database's library it takes as long to
load as everything else.
"""

import asyncio
from functools import partial

from comfyhoused.core.jobs.outbox import Settle
from comfyhoused.creator.chores import list_chores
from comfyhoused.creator.edits.ending import settle_user_ending
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.opening import open_creator, wait_for_schema

__all__ = ["make_settler", "open_creator", "tend"]


def make_settler(creator: CreatorHouse) -> Settle:
    """Return who settles the endings of users' jobs."""
    return partial(settle_user_ending, creator)


async def tend(creator: CreatorHouse, name: str) -> None:
    """Do Creator's chores once its database is there; raises UnfitHouse where it is not fit."""
    await wait_for_schema(creator)
    await asyncio.gather(*list_chores(creator, name))
    await asyncio.Event().wait()
