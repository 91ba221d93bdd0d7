"""The command lines of our programs: `serve` and `worker` become them, `up` runs them."""

import sys

from comfyhoused.settings import HttpSettings

# -P: a file in the current folder must not stand in for a module of ours.
_PYTHON = (sys.executable, "-P", "-m")

# Progress streams stay open for as long as their reader likes: at the end they are cut.
_SHUTDOWN_SECONDS = 5
# Longer than clients and load balancers keep a connection that rests (httpx 5 s, most balancers
# 60 s): whoever is last to close it can never send a request into a connection that just closed.
_KEEP_ALIVE_SECONDS = 75


def make_api_command(http: HttpSettings) -> tuple[str, ...]:
    """Return the command of the web server."""
    return (
        *(*_PYTHON, "uvicorn", "--factory", "comfyhoused.app:create_app"),
        *("--host", http.host, "--port", str(http.port)),
        *("--timeout-keep-alive", str(_KEEP_ALIVE_SECONDS)),
        *("--timeout-graceful-shutdown", str(_SHUTDOWN_SECONDS)),
        *("--no-access-log", "--no-server-header", "--log-level", "warning"),
    )


def make_worker_command() -> tuple[str, ...]:
    """Return the command of the worker."""
    return (sys.executable, "-P", "-c", "from comfyhoused.worker import main; main()")


def make_google_command(*arguments: str) -> tuple[str, ...]:
    """Return the command of the demo that plays Google."""
    return (*_PYTHON, "comfyhouse_demo.google", *arguments)


def make_watcher_command() -> tuple[str, ...]:
    """Return the command of the watcher of Creator's folders."""
    return (sys.executable, "-P", "-c", "from comfyhoused.watch import main; main()")


def make_engine_command(port: int, data: str) -> tuple[str, ...]:
    """Return the command of the built-in engine on 127.0.0.1; `data` is its folder."""
    address = ("--host", "127.0.0.1", "--port", str(port))
    return (*_PYTHON, "comfyhouse_engine", *address, "--data", data)
