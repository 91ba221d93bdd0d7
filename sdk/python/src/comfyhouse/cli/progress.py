"""A job on its way, with a bar."""

from __future__ import annotations

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from comfyhouse import Client
from comfyhouse.cli.output import ERR
from comfyhouse.errors import make_job_error
from comfyhouse.schema import Job

_WORDS = {"job.queued": "in line", "job.running": "making"}


def follow_to_end(client: Client, job: Job, *, quiet: bool) -> Job:
    """Show the job's progress until it is over; raises JobFailed where it has no result."""
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[step]}"),
        TimeElapsedColumn(),
        console=ERR,
        transient=True,
        disable=quiet,
    ) as bar:
        task = bar.add_task("in line", total=None, step="")
        for event in client.jobs.follow(job.job_id):
            if event.type == "job.progress":
                _show_step(bar, task, event.data)
            elif event.type in _WORDS:
                bar.update(task, description=_WORDS[event.type])
    ended = client.jobs.get(job.job_id)
    if ended.status != "succeeded":
        raise make_job_error(ended.job_id, ended.error or {"code": f"job_{ended.status}"})
    return ended


def _show_step(bar: Progress, task: TaskID, data: dict[str, object]) -> None:
    value, most = data.get("value"), data.get("max")
    if isinstance(value, int) and isinstance(most, int):
        bar.update(task, completed=value, total=most, step=f"step {value} of {most}")
