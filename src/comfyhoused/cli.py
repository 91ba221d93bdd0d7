"""The command `comfyhoused`."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from pydantic import ValidationError

from comfyhouse_nodes.install import InstallRefused, install
from comfyhoused.embedded.ports import check_port
from comfyhoused.embedded.programs import make_api_command, make_worker_command
from comfyhoused.kit.errors import ComfyhouseError
from comfyhoused.resources import UnfitHouse
from comfyhoused.settings import Settings

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="One house in front of your ComfyUI servers.",
)
nodes = typer.Typer(no_args_is_help=True, help="Our node pack in a ComfyUI of yours.")
app.add_typer(nodes, name="nodes")


def main() -> None:
    """Run the command; a failure we know ends in one sentence and exit code 1."""
    try:
        app()
    except ValidationError as error:
        _fail("\n".join(f"{_name(part['loc'])}: {part['msg']}" for part in error.errors()))
    except ComfyhouseError as error:
        _fail(error.detail)
    except (UnfitHouse, InstallRefused) as error:
        _fail(str(error))


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


@nodes.command("install")
def install_nodes(
    path: Annotated[
        Path, typer.Argument(help="the folder of the ComfyUI, with custom_nodes in it")
    ],
) -> None:
    """Copy our node pack into a ComfyUI."""
    print(install(path).next_step)


def _become(command: Sequence[str]) -> NoReturn:
    os.execv(command[0], list(command))  # noqa: S606  a program of ours, no shell


def _name(location: Sequence[int | str]) -> str:
    return "CH_" + "_".join(str(part) for part in location).upper()


def _fail(sentence: str) -> NoReturn:
    print(f"comfyhoused: {sentence}", file=sys.stderr)
    sys.exit(1)
