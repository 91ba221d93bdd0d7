"""comfyhouse generate, edit, upscale."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from comfyhouse import Client
from comfyhouse.cli.output import print_json, say
from comfyhouse.cli.progress import follow_to_end
from comfyhouse.cli.session import open_client
from comfyhouse.schema import Job

Target = Annotated[
    Path | None, typer.Option("--output", "-o", help="file or folder; default: here")
]
Json = Annotated[bool, typer.Option("--json", help="print the job as JSON")]
Seed = Annotated[int | None, typer.Option(help="the same seed paints the same picture")]
Setting = Annotated[
    list[str] | None,
    typer.Option("--set", "-s", metavar="NAME=VALUE", help="any other parameter of the API"),
]


def generate(
    prompt: str,
    width: Annotated[int | None, typer.Option(help="pixels, divisible by 8")] = None,
    height: Annotated[int | None, typer.Option(help="pixels, divisible by 8")] = None,
    steps: Annotated[int | None, typer.Option()] = None,
    seed: Seed = None,
    count: Annotated[int, typer.Option("--count", "-n", help="1 to 4 pictures")] = 1,
    model: Annotated[str | None, typer.Option()] = None,
    negative: Annotated[str | None, typer.Option(help="what should not be seen")] = None,
    setting: Setting = None,
    output: Target = None,
    as_json: Json = False,
) -> None:
    """Make a picture from words."""
    body = _collect(
        width=width, height=height, steps=steps, seed=seed, model=model, negative_prompt=negative
    )
    with open_client() as client:
        job = client.jobs.submit(
            prompt, num_images=count, **{**body, **read_settings(setting or [])}
        )
        _finish(client, job, output, as_json=as_json)


def edit(
    image: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    prompt: str,
    strength: Annotated[float, typer.Option(help="0 keeps the picture, 1 forgets it")] = 0.6,
    mask: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="white is what changes")
    ] = None,
    seed: Seed = None,
    setting: Setting = None,
    output: Target = None,
    as_json: Json = False,
) -> None:
    """Paint over a picture, or over the white part of a mask."""
    with open_client() as client:
        body = _collect(seed=seed, init_image=client.files.upload(image).file_id)
        if mask is not None:
            body["mask_image"] = client.files.upload(mask).file_id
        job = client.jobs.submit(
            prompt, strength=strength, **{**body, **read_settings(setting or [])}
        )
        _finish(client, job, output, as_json=as_json)


def upscale(
    image: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    factor: Annotated[int, typer.Option("--factor", "-f", help="2 or 4")] = 2,
    setting: Setting = None,
    output: Target = None,
    as_json: Json = False,
) -> None:
    """Enlarge a picture."""
    with open_client() as client:
        file = client.files.upload(image)
        say(f"Enlarging {image.name} {factor} times …")
        job = client.upscale(file.file_id, factor=factor, **read_settings(setting or []))
        save_outputs(client, job, output, as_json=as_json)


def _finish(client: Client, job: Job, output: Path | None, *, as_json: bool) -> None:
    save_outputs(client, follow_to_end(client, job, quiet=as_json), output, as_json=as_json)


def save_outputs(client: Client, job: Job, output: Path | None, *, as_json: bool) -> None:
    """Download what the job made and say where it lies."""
    saved = save_job(client, job, output)
    if as_json:
        print_json({**job.model_dump(mode="json"), "saved": [str(path) for path in saved]})
        return
    for path in saved:
        typer.echo(path)
    if job.engine == "sandbox":
        say("Painted by the sandbox: no model was used.")


def save_job(client: Client, job: Job, output: Path | None) -> list[Path]:
    """Download every output of a job; returns where they lie."""
    return [
        _download(client, one.file_id, _name(job, index, one.content_type, output))
        for index, one in enumerate(job.outputs)
    ]


def _download(client: Client, file_id: str, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    client.files.download(file_id, path)
    return path


def _name(job: Job, index: int, content_type: str, output: Path | None) -> Path:
    ending = content_type.partition("/")[2].replace("jpeg", "jpg").partition(";")[0]
    if output is None or output.is_dir() or not output.suffix:
        return (output or Path()) / f"{job.job_id[:8]}-{index + 1}.{ending}"
    if len(job.outputs) == 1:
        return output
    return output.with_name(f"{output.stem}-{index + 1}{output.suffix}")


def _collect(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def read_settings(pairs: list[str]) -> dict[str, Any]:
    """Read `name=value` pairs; a value that is JSON is taken as such, else as text."""
    settings: dict[str, Any] = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator:
            raise typer.BadParameter(f"{pair!r} is not NAME=VALUE", param_hint="--set")
        settings[name] = _read_value(value)
    return settings


def _read_value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
