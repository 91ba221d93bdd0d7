"""The same act on each of many things, some of them at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

Thing = TypeVar("Thing")


async def do_each(
    things: Iterable[Thing], act: Callable[[Thing], Awaitable[object]], *, at_once: int = 16
) -> None:
    """Act on every thing; the first failure stops the others and is raised as it is."""
    waiting = iter(things)

    async def work() -> None:
        for thing in waiting:
            await act(thing)

    workers = [asyncio.ensure_future(work()) for _ in range(at_once)]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
