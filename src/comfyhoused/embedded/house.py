"""The parts of the house, as `up` runs them; the settings decide which are bundled."""

import asyncio
import signal
import time
from collections.abc import Mapping
from pathlib import Path

import aiohttp

from comfyhoused.embedded import postgres, valkey
from comfyhoused.embedded.child import Part
from comfyhoused.embedded.ports import find_free_port
from comfyhoused.embedded.programs import (
    make_api_command,
    make_engine_command,
    make_watcher_command,
    make_worker_command,
)
from comfyhoused.settings import HttpSettings

_ANSWER_TIMEOUT = aiohttp.ClientTimeout(total=2)
_PAUSE_SECONDS = 0.1


def make_valkey(folder: Path) -> tuple[Part, str]:
    """Return the bundled Valkey on a free port, and its address."""
    port = find_free_port()

    async def is_ready() -> bool:
        return await asyncio.to_thread(valkey.is_answering, port)

    part = Part("valkey", valkey.prepare(folder, port), is_ready)
    return part, f"redis://127.0.0.1:{port}/0"


def make_postgres(folder: Path) -> tuple[Part, str]:
    """Return the bundled Postgres on a free port, and the address of its database."""
    port = find_free_port()

    async def is_ready() -> bool:
        return await asyncio.to_thread(postgres.is_answering, port)

    command = postgres.prepare(folder, port)
    # SIGINT: whoever is connected is cut off; SIGTERM would wait for them.
    part = Part("postgres", command, is_ready, stop_signal=signal.SIGINT)
    return part, postgres.make_url(folder, port)


def make_engine(folder: Path) -> tuple[Part, str]:
    """Return the built-in engine on a free port, and its address."""
    port = find_free_port()
    url = f"http://127.0.0.1:{port}"
    command = make_engine_command(port, str(folder))

    async def is_ready() -> bool:
        return await is_ok(f"{url}/system_stats")

    return Part("engine", command, is_ready), url


def make_api(http: HttpSettings, url: str, environment: Mapping[str, str]) -> Part:
    """Return the web server, which answers at `url` once it is ready."""

    async def is_ready() -> bool:
        return await is_ok(f"{url}/api/v1/health")

    return Part("api", make_api_command(http), is_ready, environment)


def make_worker(environment: Mapping[str, str]) -> Part:
    """Return the worker. It is ready when it has looked at a backend: see wait_for_backend."""

    async def is_ready() -> bool:
        return True

    return Part("worker", make_worker_command(), is_ready, environment)


def make_watcher(environment: Mapping[str, str]) -> Part:
    """Return the watcher of Creator's folders."""

    async def is_ready() -> bool:
        return True

    return Part("watcher", make_watcher_command(), is_ready, environment)


async def wait_for_backend(url: str, seconds: float) -> bool:
    """Wait until a worker has seen a backend that serves live keys; False after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if await _has_live_backend(url):
            return True
        await asyncio.sleep(_PAUSE_SECONDS)
    return False


async def _has_live_backend(url: str) -> bool:
    try:
        async with (
            aiohttp.ClientSession(timeout=_ANSWER_TIMEOUT) as session,
            session.get(f"{url}/api/v1/ready") as answer,
        ):
            backends = (await answer.json())["backends"]
    except (aiohttp.ClientError, TimeoutError, OSError):
        return False
    return any(one["state"] == "ready" and "live" in one["modes"] for one in backends)


async def is_ok(url: str) -> bool:
    """Tell whether a GET answers 200 within two seconds."""
    try:
        async with (
            aiohttp.ClientSession(timeout=_ANSWER_TIMEOUT) as session,
            session.get(url) as answer,
        ):
            return answer.status == 200
    except (aiohttp.ClientError, TimeoutError, OSError):
        return False
