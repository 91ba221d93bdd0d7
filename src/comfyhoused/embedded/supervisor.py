"""Runs the parts of the house as children: together up, together down, never an orphan."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from comfyhoused.embedded import warden
from comfyhoused.embedded.child import Child, Part


class Supervisor:
    """Starts parts, keeps them running, and ends them in the reverse order of their start.

    Each child leads a process group of its own, so that a Ctrl-C in the terminal reaches only
    the supervisor, which then ends them in order. Where the supervisor itself is killed, the
    children get a signal from the kernel (Linux) and from the warden process (everywhere).
    Files in `inherited` (descriptors) stay open in every child. `grace_seconds` is what the
    warden gives to children of a killed supervisor.
    """

    def __init__(
        self, log_folder: Path, inherited: Sequence[int] = (), grace_seconds: float = 10.0
    ) -> None:
        log_folder.mkdir(parents=True, exist_ok=True)
        self._log_folder = log_folder
        self._inherited = tuple(inherited)
        self._children: list[Child] = []
        self._warden = subprocess.Popen(
            [sys.executable, "-I", "-S", warden.__file__, str(grace_seconds)],
            stdin=subprocess.PIPE,
            process_group=0,
        )

    async def start(self, *parts: Part) -> None:
        """Start the parts side by side and wait until all are ready; raises CannotStart."""
        fresh = [Child(part, self._log_folder, self._report, self._inherited) for part in parts]
        self._children.extend(fresh)
        starts = [asyncio.create_task(child.start()) for child in fresh]
        try:
            await asyncio.gather(*starts)
        finally:
            for start in starts:
                start.cancel()
            await asyncio.gather(*starts, return_exceptions=True)

    async def stop(self) -> None:
        """End every child, last one first, and the warden."""
        for child in reversed(self._children):
            await child.stop()
        if self._warden.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._warden.stdin.close()
        await asyncio.to_thread(self._warden.wait)

    def kill(self) -> None:
        """Kill every child at once; `stop` still has to follow or to be under way."""
        for child in self._children:
            child.kill()

    def _report(self, group: int, is_running: bool) -> None:
        if self._warden.stdin is not None and not self._warden.stdin.closed:
            sign = "+" if is_running else "-"
            # Somebody may have killed the warden; the house runs on without it.
            with contextlib.suppress(BrokenPipeError):
                self._warden.stdin.write(f"{sign}{group}\n".encode())
                self._warden.stdin.flush()
