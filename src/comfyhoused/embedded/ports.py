"""Ports of this machine: finding a free one, and saying clearly that one is taken."""

import contextlib
import errno
import secrets
import socket
from urllib.parse import urlsplit

from comfyhoused.embedded.errors import CannotStart

_REDIS_PORT = 6379
_PORTS = range(20_000, 32_000)
_TRIES = 200
_CONNECT_SECONDS = 3


def find_free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on now.

    It lies below the range from which systems take ports for outgoing connections: a server
    that is restarted finds it free again, whatever its clients have opened meanwhile.
    """
    for _ in range(_TRIES):
        port = secrets.choice(_PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise CannotStart(f"No free port was found between {_PORTS[0]} and {_PORTS[-1]}.")


def check_port(host: str, port: int) -> None:
    """Raise CannotStart, naming the setting, where the web server could not listen."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        # As uvicorn does: connections that are only closing do not count as taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CannotStart(_explain(host, port, error)) from error


def check_redis(url: str) -> None:
    """Raise CannotStart where nobody listens at the address in CH_REDIS_URL.

    The address is not repeated whole: it may hold a password.
    """
    parts = urlsplit(url)
    place = (parts.hostname or "127.0.0.1", parts.port or _REDIS_PORT)
    if parts.scheme == "unix":
        return
    try:
        socket.create_connection(place, timeout=_CONNECT_SECONDS).close()
    except OSError as error:
        raise CannotStart(
            f"The Redis of CH_REDIS_URL does not answer at {place[0]}:{place[1]} ({error}). "
            "Start it, or leave CH_REDIS_URL empty for the bundled Valkey."
        ) from error


def _explain(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        other = port + 1 if port < 65535 else port - 1
        return (
            f"Port {port} of {host} is taken by another program. Stop that one, or choose "
            f"another port with CH_PORT, for example CH_PORT={other}."
        )
    if error.errno == errno.EACCES:
        return f"Port {port} needs an administrator. Choose one above 1023 with CH_PORT."
    return f"{host} port {port} cannot be listened on ({error}). Change CH_HOST or CH_PORT."
