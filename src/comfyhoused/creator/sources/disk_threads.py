"""Threads of their own for work on the operator's folders.

A network disk can stand still for hours, and a thread that waits for it cannot be stopped. In
asyncio's few threads it would hold up everything else of the process: our storage, names of hosts.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

_THREADS = ThreadPoolExecutor(32, thread_name_prefix="disk")


async def run_on_disk(act: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Do it in a thread; returns what it returns, raises what it raises."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_THREADS, partial(act, *args, **kwargs))
