"""The command and its parts. Exit codes: 0 done, 1 failed, 2 wrong use."""

from __future__ import annotations

import sys

import typer

from comfyhouse.cli import files, jobs
from comfyhouse.cli.batch import batch
from comfyhouse.cli.login import login
from comfyhouse.cli.output import ERR
from comfyhouse.cli.pictures import edit, generate, upscale
from comfyhouse.cli.usage import usage
from comfyhouse.errors import ComfyhouseError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Pictures from Comfyhouse. Start with `comfyhouse login`.",
)
for command in (login, generate, edit, upscale, batch, usage):
    app.command()(command)
app.add_typer(jobs.app, name="jobs")
app.add_typer(files.app, name="files")


def main() -> None:
    """Run the command; a failure we know ends in its own words and exit code 1."""
    try:
        app()
    except (ComfyhouseError, TimeoutError) as error:
        ERR.print(str(error), style="red", highlight=False, markup=False)
        sys.exit(1)
