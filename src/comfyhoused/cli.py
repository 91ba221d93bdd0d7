"""The command `comfyhoused`."""

import asyncio
import os
import re
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Annotated, NoReturn, TypeVar

import typer
from pydantic import ValidationError

from comfyhouse_nodes.install import InstallRefused, install
from comfyhoused.adapters.redis.client import Store, StoreUnavailable, open_store
from comfyhoused.adapters.redis.schema import SCHEMA, get_schema
from comfyhoused.api.accounts import list_accounts
from comfyhoused.api.demo import create_demo_key, create_demo_link
from comfyhoused.api.key_records import ApiKey
from comfyhoused.api.key_secrets import KeyMode
from comfyhoused.api.keys import create_key, list_keys, revoke_key
from comfyhoused.api.plans import PlanBook
from comfyhoused.checkup import list_backend_lines, list_findings
from comfyhoused.embedded.errors import CannotStart
from comfyhoused.embedded.ports import check_port
from comfyhoused.embedded.programs import make_api_command, make_worker_command
from comfyhoused.embedded.running import find_running
from comfyhoused.embedded.up import Makers, run_up
from comfyhoused.kit.errors import ComfyhouseError
from comfyhoused.kit.log import configure_logging
from comfyhoused.resources import UnfitHouse, get_redis_url
from comfyhoused.settings import Settings

Answer = TypeVar("Answer")

# No colon: it separates the parts of an owner's name, and of what is kept under that.
_ACCOUNT = re.compile(r"[A-Za-z0-9._@-]{1,100}")

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="One house in front of your ComfyUI servers.",
)
keys = typer.Typer(no_args_is_help=True, help="API keys: make, list, revoke.")
nodes = typer.Typer(no_args_is_help=True, help="Our node pack in a ComfyUI of yours.")
app.add_typer(keys, name="keys")
app.add_typer(nodes, name="nodes")


def main() -> None:
    """Run the command; a failure we know ends in one sentence and exit code 1."""
    try:
        app()
    except ValidationError as error:
        _fail("\n".join(f"{_name(part['loc'])}: {part['msg']}" for part in error.errors()))
    except StoreUnavailable:
        _fail("Redis does not answer. Is `comfyhoused up` running, or CH_REDIS_URL right?")
    except ComfyhouseError as error:
        _fail(error.detail)
    except (UnfitHouse, InstallRefused) as error:
        _fail(str(error))


@app.command()
def up(
    once: Annotated[
        bool, typer.Option("--once", help="stop everything after the first picture")
    ] = False,
) -> None:
    """Start the whole house on this machine and make a first picture."""
    settings = Settings.load()
    configure_logging("WARNING")
    makers = Makers(key=_create_demo_key, link=_create_demo_link)
    sys.exit(run_up(settings, makers, _say, once=once))


@app.command()
def serve() -> None:
    """Run the web server; CH_HOST and CH_PORT say where."""
    settings = Settings.load()
    check_port(settings.http.host, settings.http.port)
    _become(make_api_command(settings.http))


@app.command()
def worker() -> None:
    """Run a worker, which drives the ComfyUI servers."""
    Settings.load()
    _become(make_worker_command())


@app.command()
def backends() -> None:
    """Show the ComfyUI servers and what the workers last saw of each."""
    for line in _with_store(list_backend_lines):
        print(line)


@app.command()
def doctor() -> None:
    """Check everything the house needs; exit code 1 where something is wrong."""
    settings = _load_settings()
    findings = asyncio.run(list_findings(settings))
    for finding in findings:
        print(finding)
    sys.exit(any(finding.is_wrong for finding in findings))


@app.command()
def migrate() -> None:
    """Bring the data in Redis to this version's form."""
    schema = _with_store(get_schema)
    if schema > SCHEMA:
        _fail(f"The data is of version {schema}; this Comfyhouse knows version {SCHEMA} only.")
    print(f"Redis holds version {schema}, which is this version's. Nothing to do.")


@keys.command("create")
def create(
    account: Annotated[str, typer.Option(help="the customer it belongs to")] = "default",
    name: Annotated[str, typer.Option(help="what it is for")] = "",
    plan: Annotated[str, typer.Option(help="the plan of the account")] = "free",
    test: Annotated[bool, typer.Option("--test", help="a free key for the sandbox")] = False,
) -> None:
    """Make a key and print it; it is shown this once."""
    if not _ACCOUNT.fullmatch(account):
        _fail("An account's name is 1 to 100 letters, digits or . _ - @")
    plans = PlanBook.load(_load_settings().house.plans_file)
    if not plans.knows(plan):
        _fail(f"There is no plan {plan!r}; there are {', '.join(one.name for one in plans)}.")
    mode: KeyMode = "test" if test else "live"
    key, secret = _with_store(
        lambda store: create_key(store, account=account, mode=mode, name=name, plan=plan)
    )
    print(f"{key.id} for account {key.account}. It is shown this once:", file=sys.stderr)
    print(secret)


@keys.command("list")
def show() -> None:
    """List all keys, newest first."""
    for line in _with_store(_list_key_lines):
        print(line)


@keys.command()
def revoke(key_id: Annotated[str, typer.Argument(help="key_…, as `keys list` shows it")]) -> None:
    """Make a key useless from now on."""
    key = _with_store(lambda store: revoke_key(store, key_id))
    print(f"{key.id} is revoked.")


@nodes.command("install")
def install_nodes(
    path: Annotated[Path, typer.Argument(help="the folder of the ComfyUI")],
) -> None:
    """Copy our node pack into a ComfyUI."""
    print(install(path).next_step)


async def _list_key_lines(store: Store) -> list[str]:
    plans = {account.id: account.plan for account in await list_accounts(store)}
    return [_describe_key(key, plans.get(key.account, "")) for key in await list_keys(store)]


def _describe_key(key: ApiKey, plan: str) -> str:
    state = "revoked" if key.revoked_at else key.mode
    created = key.created_at.strftime("%Y-%m-%d")
    return f"{key.id}  {created}  {state:<8} {plan:<9} {key.account}  {key.name}".rstrip()


async def _create_demo_key(redis_url: str) -> str:
    return await _create_in(redis_url, create_demo_key)


async def _create_demo_link(redis_url: str) -> str:
    return await _create_in(redis_url, create_demo_link)


async def _create_in(redis_url: str, make: Callable[[Store], Awaitable[str]]) -> str:
    store = open_store(redis_url)
    try:
        return await make(store)
    except StoreUnavailable as error:
        raise CannotStart("The Redis of CH_REDIS_URL does not answer.") from error
    finally:
        await store.aclose()


def _load_settings() -> Settings:
    """Read the settings; a house that `up` runs here tells what they leave open."""
    settings = Settings.load()
    running = find_running(settings.house.data_dir)
    if running is not None and settings.redis.redis_url is None:
        settings.redis = settings.redis.model_copy(update={"redis_url": running.redis_url})
        settings.fleet = settings.fleet.model_copy(update={"engine_url": running.engine_url})
    return settings


def _with_store(action: Callable[[Store], Awaitable[Answer]]) -> Answer:
    async def run() -> Answer:
        store = open_store(get_redis_url(_load_settings()))
        try:
            return await action(store)
        finally:
            await store.aclose()

    return asyncio.run(run())


def _say(text: str) -> None:
    print(text, flush=True)


def _become(command: Sequence[str]) -> NoReturn:
    os.execv(command[0], list(command))  # noqa: S606  a program of ours, no shell


def _name(location: Sequence[int | str]) -> str:
    return "CH_" + "_".join(str(part) for part in location).upper()


def _fail(sentence: str) -> NoReturn:
    print(f"comfyhoused: {sentence}", file=sys.stderr)
    sys.exit(1)
