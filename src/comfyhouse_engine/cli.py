"""The command `comfyhouse-engine`."""

import argparse
import asyncio
import ctypes
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from comfyhouse_engine.models import BadShelf
from comfyhouse_engine.server.app import make_app
from comfyhouse_engine.server.engine import Engine, Settings
from comfyhouse_engine.switches import BadSwitch, Switches, parse_switch

_PR_SET_PDEATHSIG = 1
_THREAD_TURN_SECONDS = 0.0005
_DEEPEST_CALLS = 20_000


def main(argv: Sequence[str] | None = None) -> int:
    """Run an engine until SIGTERM or SIGINT; return the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    options = make_parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    # Graphs are walked by recursion, and chains of nodes may be long.
    sys.setrecursionlimit(_DEEPEST_CALLS)
    # The loop and the executor wait for each other at every system call; shorter turns help both.
    sys.setswitchinterval(_THREAD_TURN_SECONDS)
    if options.die_with_parent:
        die_with_parent()
    try:
        engine = build_engine(options, arguments)
        asyncio.run(serve(engine, options.host, options.port, options.ready_file))
    except (BadSwitch, BadShelf, OSError) as error:
        sys.stderr.write(f"comfyhouse-engine: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="comfyhouse-engine",
        description="A sandbox that speaks ComfyUI's protocol: real graphs, no model.",
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    add("--port", type=int, default=0, help="port to listen on; 0 picks a free one (default)")
    add("--data", type=Path, required=True, help="folder of input/, output/, temp/ and the log")
    add("--models-file", type=Path, help='JSON: {"checkpoints": ["name.safetensors"], ...}')
    add("--preview-method", choices=("latent2rgb", "none"), default="latent2rgb")
    add("--switch", action="append", default=[], metavar="NAME=VALUE", help="see /engine/switches")
    add("--ready-file", type=Path, help="gets the port once the engine listens")
    add("--die-with-parent", action="store_true", help="end when the starting thread ends (Linux)")
    add("--allow-suicide", action="store_true", help="let the magic word sandbox:lost end us")
    return parser


def build_engine(options: argparse.Namespace, argv: Sequence[str]) -> Engine:
    """Return the engine that the command line describes; raises BadSwitch, BadShelf, OSError."""
    switches = Switches()
    switches.apply(dict(parse_switch(text) for text in options.switch))
    settings = Settings(
        data=options.data.absolute(),
        models_file=options.models_file,
        with_previews=options.preview_method != "none",
        allow_suicide=options.allow_suicide,
        argv=tuple(argv),
    )
    return Engine.build(settings, switches)


async def serve(engine: Engine, host: str, port: int, ready_file: Path | None) -> None:
    """Listen and run; ends only when delivering frames raises or the task is cancelled."""
    runner = web.AppRunner(make_app(engine), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, host, port, backlog=1024)
    await site.start()
    publishing = asyncio.create_task(engine.hub.publish_forever())
    engine.worker.start()
    chosen = runner.addresses[0][1]
    if ready_file is not None:
        write_ready_file(ready_file, chosen)
    sys.stdout.write(f"comfyhouse-engine listens on http://{host}:{chosen}\n")
    sys.stdout.flush()
    await publishing


def write_ready_file(path: Path, port: int) -> None:
    """Write the port so that a reader sees either nothing or all of it."""
    draft = path.with_name(path.name + ".draft")
    draft.write_text(f"{port}\n", encoding="utf-8")
    draft.replace(path)


def die_with_parent() -> None:
    """Ask the kernel for SIGTERM when the thread that started us ends; Linux only.

    The parent may have died before we asked; then nobody is left to wait for.
    """
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent or parent == 1:
        sys.exit(0)
