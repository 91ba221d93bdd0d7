"""The command `comfyhoused`."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from pydantic import ValidationError

from comfyhouse_nodes.install import InstallRefused, install
from comfyhoused.adapters.postgres.database import DatabaseUnavailable
from comfyhoused.adapters.redis.client import Store, StoreUnavailable, open_store
from comfyhoused.adapters.redis.schema import SCHEMA, get_schema
from comfyhoused.api.demo import create_demo_key, create_demo_link
from comfyhoused.checkup import list_backend_lines, list_findings
from comfyhoused.cli_accounts import accounts
from comfyhoused.cli_keys import keys
from comfyhoused.cli_store import fail, load_settings, with_store
from comfyhoused.cli_users import users
from comfyhoused.creator.migrating import upgrade_database
from comfyhoused.creator.schema import HEAD
from comfyhoused.embedded.errors import CannotStart
from comfyhoused.embedded.ports import check_port
from comfyhoused.embedded.programs import (
    make_api_command,
    make_watcher_command,
    make_worker_command,
)
from comfyhoused.embedded.up import Makers, run_up
from comfyhoused.kit.errors import ComfyhouseError
from comfyhoused.kit.log import configure_logging
from comfyhoused.resources import UnfitHouse
from comfyhoused.settings import Settings

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="One house in front of your ComfyUI servers.",
)
nodes = typer.Typer(no_args_is_help=True, help="Our node pack in a ComfyUI of yours.")
app.add_typer(accounts, name="accounts")
app.add_typer(keys, name="keys")
app.add_typer(nodes, name="nodes")
app.add_typer(users, name="users")


def main() -> None:
    """Run the command; a failure we know ends in one sentence and exit code 1."""
    try:
        app()
    except ValidationError as error:
        fail("\n".join(f"{_name(part['loc'])}: {part['msg']}" for part in error.errors()))
    except StoreUnavailable:
        fail("Redis does not answer. Is `comfyhoused up` running, or CH_REDIS_URL right?")
    except ComfyhouseError as error:
        fail(error.detail)
    except (UnfitHouse, InstallRefused) as error:
        fail(str(error))


@app.command()
def up(
    once: Annotated[
        bool, typer.Option("--once", help="stop everything after the first picture")
    ] = False,
) -> None:
    """Start the whole house on this machine and make a first picture."""
    settings = Settings.load()
    configure_logging("WARNING")
    makers = Makers(key=_create_demo_key, link=_create_demo_link, tables=_make_tables)
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
def watch() -> None:
    """Run a watcher, which looks for new photos in the folders of Creator's users."""
    Settings.load()
    _become(make_watcher_command())


@app.command()
def backends() -> None:
    """Show the ComfyUI servers and what the workers last saw of each."""
    for line in with_store(list_backend_lines):
        print(line)


@app.command()
def doctor() -> None:
    """Check everything the house needs; exit code 1 where something is wrong."""
    settings = load_settings()
    findings = asyncio.run(list_findings(settings))
    for finding in findings:
        print(finding)
    sys.exit(any(finding.is_wrong for finding in findings))


@app.command()
def migrate() -> None:
    """Bring the data in Redis and Postgres to this version's form."""
    schema = with_store(get_schema)
    if schema > SCHEMA:
        fail(f"The data is of version {schema}; this Comfyhouse knows version {SCHEMA} only.")
    print(f"Redis holds version {schema}, which is this version's. Nothing to do.")
    database_url = load_settings().creator.database_url
    if database_url is None:
        print("CH_DATABASE_URL is not set: there is no Creator here.")
        return
    changed = asyncio.run(upgrade_database(database_url))
    print(
        f"Postgres holds revision {HEAD}, which is this version's. "
        f"{'It was brought there now.' if changed else 'Nothing to do.'}"
    )


@nodes.command("install")
def install_nodes(
    path: Annotated[Path, typer.Argument(help="the folder of the ComfyUI")],
) -> None:
    """Copy our node pack into a ComfyUI."""
    print(install(path).next_step)


async def _create_demo_key(redis_url: str) -> str:
    return await _create_in(redis_url, create_demo_key)


async def _create_demo_link(redis_url: str) -> str:
    return await _create_in(redis_url, create_demo_link)


async def _make_tables(database_url: str) -> None:
    try:
        await upgrade_database(database_url)
    except DatabaseUnavailable as error:
        raise CannotStart(
            "The Postgres of CH_DATABASE_URL does not answer. Start it, or leave CH_DATABASE_URL "
            "empty for the bundled one."
        ) from error


async def _create_in(redis_url: str, make: Callable[[Store], Awaitable[str]]) -> str:
    store = open_store(redis_url)
    try:
        return await make(store)
    except StoreUnavailable as error:
        raise CannotStart("The Redis of CH_REDIS_URL does not answer.") from error
    finally:
        await store.aclose()


def _say(text: str) -> None:
    print(text, flush=True)


def _become(command: Sequence[str]) -> NoReturn:
    os.execv(command[0], list(command))  # noqa: S606  a program of ours, no shell


def _name(location: Sequence[int | str]) -> str:
    return "CH_" + "_".join(str(part) for part in location).upper()
