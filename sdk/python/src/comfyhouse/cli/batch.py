"""comfyhouse batch: a file of prompts becomes a folder of pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from comfyhouse import Client
from comfyhouse.cli.output import ERR, fail, print_json, say
from comfyhouse.cli.pictures import Json, Setting, read_settings, save_job
from comfyhouse.cli.session import open_client
from comfyhouse.schema import Batch


def batch(
    source: Annotated[
        Path,
        typer.Argument(
            exists=True, dir_okay=False, help="one prompt a line, or one JSON object a line"
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="folder")] = Path("pictures"),
    setting: Setting = None,
    as_json: Json = False,
) -> None:
    """Make a picture of every line of a file, up to 1,000; what fails holds up nothing."""
    jobs = [{**read_settings(setting or []), **one} for one in read_lines(source)]
    if not jobs:
        fail(f"{source} has no line to make a picture of.")
    with open_client() as client:
        accepted = client.batches.submit(jobs)
        say(f"Batch {accepted.batch_id}: {accepted.total} jobs.")
        ended = _follow(client, accepted, quiet=as_json)
        saved = _save_all(client, ended, output)
    if as_json:
        print_json({**ended.model_dump(mode="json"), "saved": [str(path) for path in saved]})
    else:
        say(f"{ended.counts.succeeded} of {ended.total} succeeded; {len(saved)} files in {output}.")
    if ended.counts.succeeded < ended.total:
        raise typer.Exit(1)


def read_lines(source: Path) -> list[dict[str, Any]]:
    """Return the job of every line; empty lines are passed by."""
    jobs = []
    for number, line in enumerate(source.read_text().splitlines(), start=1):
        if not line.strip():
            continue
        if not line.lstrip().startswith("{"):
            jobs.append({"prompt": line.strip()})
            continue
        try:
            jobs.append(dict(json.loads(line)))
        except ValueError as error:
            fail(f"{source}, line {number} is no JSON: {error}")
    return jobs


def _follow(client: Client, accepted: Batch, *, quiet: bool) -> Batch:
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=ERR,
        transient=True,
        disable=quiet,
    ) as bar:
        task = bar.add_task("making", total=accepted.total)
        for event in client.batches.follow(accepted.batch_id):
            now = Batch.model_validate(event.data)
            over = now.total - now.counts.queued - now.counts.running
            bar.update(task, completed=over)
    return client.batches.wait(accepted.batch_id)


def _save_all(client: Client, ended: Batch, output: Path) -> list[Path]:
    saved: list[Path] = []
    cursor: str | None = None
    while True:
        page = client.batches.list_jobs(ended.batch_id, limit=100, cursor=cursor)
        for job in page.items:
            if job.status == "succeeded":
                saved += save_job(client, job, output)
            elif job.error:
                say(f"{job.job_id}: {job.error.get('title')}: {job.error.get('detail')}")
        cursor = page.next_cursor
        if cursor is None:
            return saved
