"""comfyhouse jobs …"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from comfyhouse.cli.output import print_json, print_table
from comfyhouse.cli.pictures import Json, save_outputs
from comfyhouse.cli.progress import follow_to_end
from comfyhouse.cli.session import open_client
from comfyhouse.schema import Job

app = typer.Typer(no_args_is_help=True, help="Jobs: list, show, follow, cancel, erase.")


@app.command("list")
def list_jobs(
    limit: Annotated[int, typer.Option(min=1, max=100)] = 20,
    status: Annotated[str | None, typer.Option(help="queued, running, succeeded …")] = None,
    as_json: Json = False,
) -> None:
    """List the newest jobs."""
    with open_client() as client:
        page = client.jobs.list(limit=limit, status=status)
    if as_json:
        print_json(page)
        return
    rows = [
        (one.job_id, one.status, f"{one.created_at:%Y-%m-%d %H:%M}", _make_title(one))
        for one in page.items
    ]
    print_table(("job", "status", "created", "what"), rows, empty="No jobs yet.")


@app.command()
def show(job_id: str) -> None:
    """Show one job as JSON."""
    with open_client() as client:
        print_json(client.jobs.get(job_id))


@app.command()
def follow(
    job_id: str,
    output: Annotated[Path | None, typer.Option("--output", "-o")] = None,
    as_json: Json = False,
) -> None:
    """Wait for a job with its progress, and save what it made."""
    with open_client() as client:
        job = follow_to_end(client, client.jobs.get(job_id), quiet=as_json)
        save_outputs(client, job, output, as_json=as_json)


@app.command()
def cancel(job_id: str, as_json: Json = False) -> None:
    """Cancel a job."""
    with open_client() as client:
        job = client.jobs.cancel(job_id)
    if as_json:
        print_json(job)
    else:
        typer.echo("canceling" if job.canceling else job.status)


@app.command()
def erase(
    job_id: str, yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask")] = False
) -> None:
    """Erase a job, its prompt and its pictures for good."""
    if not yes:
        typer.confirm("Erase it for good?", abort=True)
    with open_client() as client:
        client.jobs.erase(job_id)


def _make_title(job: Job) -> str:
    return str(job.parameters.get("prompt") or job.kind)[:60]
