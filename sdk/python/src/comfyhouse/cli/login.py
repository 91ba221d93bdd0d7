"""comfyhouse login."""

from __future__ import annotations

from typing import Annotated

import typer

from comfyhouse import AuthenticationFailed, Client
from comfyhouse.cli.output import fail, say
from comfyhouse.cli.session import Login, save_login


def login(
    url: Annotated[
        str, typer.Option(prompt="Address of the house", help="for example https://house.example")
    ] = "http://127.0.0.1:8000",
    key: Annotated[
        str, typer.Option(prompt="API key", hide_input=True, help="sk_live_… or sk_test_…")
    ] = "",
) -> None:
    """Keep the address and an API key for the other commands."""
    with Client(key, base_url=url) as client:
        try:
            client.jobs.list(limit=1)
        except AuthenticationFailed as error:
            fail(f"{url} does not know this key: {error.detail}")
    path = save_login(Login(url.rstrip("/"), key))
    mode = "test mode: free, painted by the sandbox" if "_test_" in key else "live mode"
    say(f"Signed in to {url} ({mode}). Kept in {path}.")
