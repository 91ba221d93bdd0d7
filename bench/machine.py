"""Facts about the machine and the moment, measured in the run that they explain."""

import os
import platform
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from bench.figures import summarise

_WRITES = 60
_QUIET_LOAD_PER_CORE = 0.35


def measure_fsync_ms(folder: Path) -> list[float]:
    """Return how long appending 4 kB and flushing it to the disk took, some times over."""
    times = []
    with tempfile.NamedTemporaryFile(dir=folder, buffering=0) as file:
        for _ in range(_WRITES):
            begun = time.perf_counter()
            file.write(b"\0" * 4096)
            os.fsync(file.fileno())
            times.append((time.perf_counter() - begun) * 1000)
    return times


def describe_machine(folder: Path) -> dict[str, Any]:
    """Return cores, load now, memory, versions, and the fsync latency of the data's disk."""
    cores = os.cpu_count() or 1
    load = os.getloadavg()
    return {
        "cores": cores,
        "memory_mb": psutil.virtual_memory().total // 2**20,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "load_1m_at_start": round(load[0], 2),
        "load_5m_at_start": round(load[1], 2),
        "is_quiet": load[0] / cores <= _QUIET_LOAD_PER_CORE,
        "fsync_ms": summarise(measure_fsync_ms(folder)),
    }


def find_commit(root: Path) -> str:
    """Return the commit that was measured, marked where files differ from it."""
    commit = _ask_git(root, "rev-parse", "--short=12", "HEAD") or "unknown"
    return f"{commit}+changes" if _ask_git(root, "status", "--porcelain", "src") else commit


def _ask_git(root: Path, *arguments: str) -> str:
    answer = subprocess.run(
        ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False
    )
    return answer.stdout.strip()
