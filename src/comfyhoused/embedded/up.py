"""`comfyhoused up`: the whole house on one machine, and a first picture to show it works."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp

from comfyhoused.embedded import demo_google, house
from comfyhoused.embedded.demo_key import get_demo_key
from comfyhoused.embedded.errors import CannotStart
from comfyhoused.embedded.first_picture import PROMPT, Customer, NoPicture
from comfyhoused.embedded.folder import hold_folder, prepare_folder
from comfyhoused.embedded.own_secret import get_own_secret
from comfyhoused.embedded.ports import check_port, check_redis, find_free_port
from comfyhoused.embedded.running import Running, forget_running, save_running
from comfyhoused.embedded.supervisor import Supervisor
from comfyhoused.embedded.welcome import Welcome, write_welcome
from comfyhoused.settings import DEVELOPMENT_SECRET, Settings

Say = Callable[[str], None]

_INTERRUPTED = 130
_BACKEND_SECONDS = 15.0
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}  # noqa: S104


@dataclass(frozen=True)
class Makers:
    """What makes the demo account's key, and the path that signs a browser in as it.

    Each is given the address of the Redis to make it in. `tables` is given that of the Postgres.
    """

    key: Callable[[str], Awaitable[str]]
    link: Callable[[str], Awaitable[str]]
    tables: Callable[[str], Awaitable[object]]


@dataclass(frozen=True)
class _Plan:
    """Where this house keeps its data and listens."""

    folder: Path
    port: int
    url: str


def run_up(settings: Settings, makers: Makers, say: Say, *, once: bool) -> int:
    """Run the house until a signal, or with `once` until the first picture.

    Returns the exit code: 0, or 1 where `once` brought no picture. Raises CannotStart.
    """
    plan = _make_plan(settings)
    with hold_folder(plan.folder) as lock:
        return asyncio.run(_run(settings, plan, lock.fileno(), makers, say, once=once))


async def _run(
    settings: Settings, plan: _Plan, lock: int, makers: Makers, say: Say, *, once: bool
) -> int:
    supervisor = Supervisor(plan.folder / "log", inherited=[lock])
    stopped = _cancel_on_signal()
    try:
        welcome = await _bring_up(settings, plan, supervisor, makers, say)
        say(write_welcome(welcome))
        if once:
            return 0 if welcome.picture else 1
        say("Ctrl-C stops everything; the data stays.")
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        if not stopped.is_set():
            raise  # nobody asked for it: a fault, not an end
        say("\nStopping …")
        return _INTERRUPTED if once else 0
    finally:
        _on_stop(supervisor.kill)
        await supervisor.stop()
        forget_running(plan.folder)
    raise AssertionError("a house waits until it is stopped")


def _make_plan(settings: Settings) -> _Plan:
    folder = prepare_folder(settings.house.data_dir)
    host = settings.http.host
    port = settings.http.port or find_free_port()
    check_port(host, port)
    if settings.redis.redis_url is not None:
        check_redis(settings.redis.redis_url)
    shown = _EVERYWHERE.get(host, f"[{host}]" if ":" in host else host)
    return _Plan(folder, port, f"http://{shown}:{port}")


def _cancel_on_signal() -> asyncio.Event:
    """Have a signal cancel this task; the event says that one came."""
    main = asyncio.current_task()
    assert main is not None
    stopped = asyncio.Event()

    def stop() -> None:
        stopped.set()
        main.cancel()

    _on_stop(stop)
    return stopped


def _on_stop(action: Callable[[], object]) -> None:
    loop = asyncio.get_running_loop()
    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, action)


async def _bring_up(
    settings: Settings, plan: _Plan, supervisor: Supervisor, makers: Makers, say: Say
) -> Welcome:
    environment = {"CH_DATA_DIR": str(plan.folder), "CH_PORT": str(plan.port)}
    if settings.house.secret.get_secret_value() == DEVELOPMENT_SECRET:
        environment["CH_SECRET"] = get_own_secret(plan.folder)
    redis_url, database_url = await _start_stores(settings, plan, supervisor, say)
    await makers.tables(database_url)
    parts = []
    engine_url = settings.fleet.engine_url
    if engine_url is None:
        engine, engine_url = house.make_engine(plan.folder / "engine")
        parts.append(engine)
    environment |= {
        "CH_REDIS_URL": redis_url,
        "CH_DATABASE_URL": database_url,
        "CH_ENGINE_URL": engine_url,
    }
    if settings.creator.local_sources_dir is None:
        environment["CH_LOCAL_SOURCES_DIR"] = str(prepare_folder(plan.folder / "photos"))
    save_running(plan.folder, Running(plan.url, redis_url, engine_url, database_url))
    if demo_google.is_wanted(settings):
        google, told = demo_google.make_google(settings, plan.folder / "google", plan.url)
        parts.append(google)
        environment |= told
    http = settings.http.model_copy(update={"port": plan.port})
    parts += [
        house.make_api(http, plan.url, environment),
        house.make_worker(environment),
        house.make_watcher(environment),
    ]
    say(f"Starting the {', '.join(part.name for part in parts)} …")
    await supervisor.start(*parts)
    welcome = await _welcome(settings, plan, makers, redis_url, say)
    return replace(welcome, google=environment.get("CH_GOOGLE_ISSUER"))


async def _start_stores(
    settings: Settings, plan: _Plan, supervisor: Supervisor, say: Say
) -> tuple[str, str]:
    """Start the bundled Valkey and Postgres where no others are named; returns the addresses."""
    parts = []
    redis_url, database_url = settings.redis.redis_url, settings.creator.database_url
    if redis_url is None:
        valkey, redis_url = house.make_valkey(plan.folder / "valkey")
        parts.append(valkey)
    if database_url is None:
        postgres, database_url = house.make_postgres(plan.folder / "postgres")
        parts.append(postgres)
    if parts:
        say(f"Starting the bundled {' and '.join(part.name.title() for part in parts)} …")
        await supervisor.start(*parts)
    return redis_url, database_url


async def _welcome(
    settings: Settings, plan: _Plan, makers: Makers, redis_url: str, say: Say
) -> Welcome:
    key_file = plan.folder / "demo-key"
    try:
        key = await get_demo_key(plan.url, key_file, lambda: makers.key(redis_url))
    except (aiohttp.ClientError, TimeoutError) as error:
        raise CannotStart(f"The API at {plan.url} does not answer: {error}") from error
    say("Making the first picture …")
    await house.wait_for_backend(plan.url, _BACKEND_SECONDS)
    picture = plan.folder / "first-image.png"
    reason = await _make_picture(plan.url, key, picture)
    shown = settings.http.public_url or plan.url
    return Welcome(
        url=shown,
        key=key,
        key_file=key_file,
        data=plan.folder,
        picture=None if reason else picture,
        reason=reason,
        console=await makers.link(redis_url),
    )


async def _make_picture(url: str, key: str, place: Path) -> str | None:
    """Save the first picture; returns what was in the way, or None."""
    try:
        async with Customer(url, key) as customer:
            await customer.make_picture(PROMPT, place)
    except (NoPicture, aiohttp.ClientError, TimeoutError) as error:
        return str(error) or type(error).__name__
    return None
