"""From `make up` to the first picture: in a prepared checkout, and in a fresh clone."""

import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.figures import Figure, Target
from comfyhoused.embedded.ports import find_free_port
from tests.waiting import wait_blocking

_NOT_COLD = "skipped; `python -m bench --cold` installs into a fresh clone"


def measure_first_picture(root: Path, details: dict[str, Any], *, is_cold: bool) -> list[Figure]:
    """Run `make up ONCE=1` and wait for its picture."""
    with tempfile.TemporaryDirectory(prefix="bench-up-") as folder:
        warm = sorted(_wait_for_picture(root, Path(folder) / f"data {n}") for n in range(3))
        cold = _measure_cold(root, Path(folder)) if is_cold else None
    details["make_up"] = {"warm_seconds": warm, "cold_seconds": cold}
    note = "" if is_cold else _NOT_COLD
    return [
        Figure("`make up` to the first picture, warm", "s", warm[1], Target(10)),
        Figure("`make up` to the first picture, cold", "s", cold, Target(120), note),
    ]


def _measure_cold(root: Path, folder: Path) -> float:
    clone = folder / "clone"
    subprocess.run(["git", "clone", "--quiet", str(root), str(clone)], check=True)
    return _wait_for_picture(clone, clone / "var")


def _wait_for_picture(checkout: Path, data: Path) -> float:
    """Return the seconds until the picture lies on the disk; everything is stopped then."""
    environment = {name: value for name, value in os.environ.items() if name[:3] != "CH_"}
    environment |= {"CH_DATA_DIR": str(data), "CH_PORT": str(find_free_port())}
    begun = time.perf_counter()
    up = subprocess.Popen(
        ["make", "--silent", "up", "ONCE=1"],
        cwd=checkout,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        process_group=0,
    )
    picture = data / "first-image.png"
    try:
        wait_blocking(lambda: picture.exists() or up.poll() is not None, 600)
        seconds = time.perf_counter() - begun
        assert picture.exists(), "`make up ONCE=1` made no picture"
        up.wait(60)
    finally:
        if up.poll() is None:
            os.killpg(up.pid, signal.SIGTERM)
            up.wait(30)
    return seconds
