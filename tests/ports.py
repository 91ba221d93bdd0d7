"""Ports for the servers that tests start: no two of them are given the same one, ever."""

import contextlib
import fcntl
import random
import socket
import tempfile
from pathlib import Path
from typing import IO

#: Below those that a house chooses for itself, and those of outgoing connections.
_PORTS = range(12_000, 20_000)
_held: list[IO[bytes]] = []


def take_port() -> int:
    """Return a port of 127.0.0.1 that is free and that no other test run is given meanwhile.

    A port that was merely found free may be taken by the time its server has started. So a lock
    on a file stands for the port until this process ends.
    """
    for port in random.sample(_PORTS, len(_PORTS)):
        lock = (Path(tempfile.gettempdir()) / f"comfyhouse-tests-{port}.port").open("ab")
        with socket.socket() as probe, contextlib.suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            probe.bind(("127.0.0.1", port))
            _held.append(lock)
            return port
        lock.close()
    raise RuntimeError("no free port is left")
