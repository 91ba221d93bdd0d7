"""A disk that is full soon, for tests of what then happens."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def mount_small_disk(place: Path, size_bytes: int) -> Iterator[None]:
    """Mount a disk of that size there; skips where this machine does not allow it."""
    place.mkdir(parents=True, exist_ok=True)
    options = ["-o", f"size={size_bytes}"]
    try:
        subprocess.run(["mount", "-t", "tmpfs", *options, "tmpfs", str(place)], check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("mounting takes root")
    try:
        yield
    finally:
        subprocess.run(["umount", str(place)], check=True)
