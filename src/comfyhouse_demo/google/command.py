"""The command line of the demo Google."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from comfyhouse_demo.google.app import make_app
from comfyhouse_demo.google.house import Client, Google
from comfyhouse_demo.google.keys import SigningKey
from comfyhouse_demo.google.people import create_person, list_people
from comfyhouse_demo.google.store import Store
from comfyhoused.settings import DEMO_CLIENT_ID as CLIENT_ID

CLIENT_SECRET = "demo-secret-not-google"  # noqa: S105  it opens nothing but a demo
_FIRST_USER = ("dana@demo.example", "Dana Demo")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo until SIGTERM or SIGINT; returns the exit code."""
    options = make_parser().parse_args(argv)
    try:
        asyncio.run(serve(options))
    except OSError as error:
        sys.stderr.write(f"comfyhouse_demo.google: {error}\n")
        return 1
    return 0


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m comfyhouse_demo.google",
        description="A stand-in for Google's sign-in and Drive. This is not Google.",
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on")
    add("--port", type=int, required=True, help="port to listen on")
    add("--data", type=Path, required=True, help="folder of everything it keeps")
    add("--public-url", help="its address, for browsers and for the house (default: host and port)")
    add("--client-id", default=CLIENT_ID)
    add("--client-secret", default=CLIENT_SECRET)
    add(
        "--origin",
        action="append",
        default=[],
        help="where people may be sent back to, e.g. http://127.0.0.1:8000; default: anywhere",
    )
    add("--with-user", action="store_true", help="have a first user where there is none")
    return parser


def build(options: argparse.Namespace) -> Google:
    """Return the demo that the command line describes."""
    store = Store(options.data)
    if options.with_user and not list_people(store):
        create_person(store, *_FIRST_USER)
    return Google(
        store=store,
        public_url=(options.public_url or f"http://{options.host}:{options.port}").rstrip("/"),
        client=Client(options.client_id, options.client_secret, tuple(options.origin)),
        key=SigningKey.load(options.data / "signing-key.pem"),
    )


async def serve(options: argparse.Namespace) -> None:
    """Listen until a signal comes; raises OSError where the port is taken."""
    google = build(options)
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    runner = web.AppRunner(make_app(google), access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, options.host, options.port, backlog=1024).start()
        await ended.wait()
    finally:
        await runner.cleanup()
        google.store.close()
