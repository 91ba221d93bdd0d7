"""comfyhouse files …"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from comfyhouse.cli.output import print_json, print_table
from comfyhouse.cli.pictures import Json
from comfyhouse.cli.session import open_client

app = typer.Typer(no_args_is_help=True, help="Files: upload, list, download, delete.")


@app.command()
def upload(
    path: Annotated[Path, typer.Argument(exists=True, dir_okay=False)], as_json: Json = False
) -> None:
    """Upload a picture and print its id."""
    with open_client() as client:
        file = client.files.upload(path)
    if as_json:
        print_json(file)
    else:
        typer.echo(file.file_id)


@app.command("list")
def list_files(
    limit: Annotated[int, typer.Option(min=1, max=100)] = 20, as_json: Json = False
) -> None:
    """List the newest files."""
    with open_client() as client:
        page = client.files.list(limit=limit)
    if as_json:
        print_json(page)
        return
    rows = [(one.file_id, one.content_type, str(one.size_bytes)) for one in page.items]
    print_table(("file", "type", "bytes"), rows, empty="No files yet.")


@app.command()
def download(
    file_id: str, output: Annotated[Path | None, typer.Option("--output", "-o")] = None
) -> None:
    """Save a file."""
    with open_client() as client:
        if output is None:
            kind = client.files.get(file_id).content_type.partition("/")[2]
            output = Path(f"{file_id}.{kind.replace('jpeg', 'jpg')}")
        client.files.download(file_id, output)
    typer.echo(output)


@app.command()
def delete(file_id: str) -> None:
    """Delete a file for good."""
    with open_client() as client:
        client.files.delete(file_id)
