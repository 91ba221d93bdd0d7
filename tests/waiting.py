"""Waiting for a state instead of sleeping."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable

PATIENCE_SECONDS = 60.0
"""How long a test waits for what must come: so long that a busy machine is no failure."""
_PAUSE_SECONDS = 0.02


async def wait_until(
    condition: Callable[[], object | Awaitable[object]], seconds: float = PATIENCE_SECONDS
) -> None:
    """Poll the condition (plain or async) until it is true; TimeoutError after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if inspect.isawaitable(answer):
            answer = await answer
        if answer:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"not true within {seconds} s: {condition}")
        await asyncio.sleep(_PAUSE_SECONDS)


def wait_blocking(condition: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> None:
    """As wait_until, for tests without an event loop."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not true within {seconds} s: {condition}")
        time.sleep(_PAUSE_SECONDS)
