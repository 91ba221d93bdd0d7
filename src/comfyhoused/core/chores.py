"""Chores: what a worker does again and again, whatever goes wrong with one of them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NoReturn

from comfyhoused.kit.errors import Unavailable
from comfyhoused.kit.log import get_logger

log = get_logger(__name__)


async def do_chore(chore: str, act: Callable[[], Awaitable[object]]) -> None:
    """Do one chore of the house; whatever stops it, the other chores and the jobs go on."""
    try:
        await act()
    except Unavailable as error:
        log.warning("%s waits: %s", chore, error.detail)
    except Exception:  # the border of a chore: one broken record must not end every worker
        log.exception("%s met a fault of ours and is passed by", chore)


async def repeat_chore(
    chore: str, act: Callable[[], Awaitable[object]], *, seconds: float
) -> NoReturn:
    """Do a chore for as long as the worker lives, with a pause of `seconds` after each time."""
    while True:
        await do_chore(chore, act)
        await asyncio.sleep(seconds)
