"""One program of the house as a child process: started, watched, started again, ended."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from comfyhoused.embedded.errors import CannotStart
from comfyhoused.embedded.parentage import make_tie
from comfyhoused.kit.log import get_logger

_log = get_logger(__name__)

_READY_PAUSE_SECONDS = 0.05
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 15.0
_STEADY_SECONDS = 30.0
_LOG_TAIL_LINES = 12
_LARGEST_LOG_BYTES = 10_000_000


@dataclass(frozen=True)
class Part:
    """What to run. `is_ready` is polled after the start; `environment` is added to ours.

    `stop_signal` asks it to end, when we stop it and when we die.
    """

    name: str
    command: tuple[str, ...]
    is_ready: Callable[[], Awaitable[bool]]
    environment: Mapping[str, str] = field(default_factory=dict)
    start_seconds: float = 180.0
    stop_seconds: float = 15.0
    stop_signal: signal.Signals = signal.SIGTERM


class Child:
    """A part while it runs. `report` is told each process group begun (True) and ended (False)."""

    def __init__(
        self,
        part: Part,
        log_folder: Path,
        report: Callable[[int, bool], None],
        inherited: Sequence[int] = (),
    ) -> None:
        self.part = part
        self.log_path = log_folder / f"{part.name}.log"
        self._report = report
        self._inherited = tuple(inherited)
        self._process: asyncio.subprocess.Process | None = None
        self._group: int | None = None
        self._log_start = 0
        self._watch: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start it and wait until it is ready; raises CannotStart with the end of its log."""
        _turn_over(self.log_path)
        self._log_start = self.log_path.stat().st_size if self.log_path.exists() else 0
        process = await self._spawn()
        await self._wait_until_ready(process)
        self._watch = asyncio.create_task(self._keep_alive(process), name=self.part.name)

    async def stop(self) -> None:
        """Ask it to end, insist after `stop_seconds`, and leave nothing of its group."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.wait([self._watch])
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            process.send_signal(self.part.stop_signal)
        try:
            async with asyncio.timeout(self.part.stop_seconds):
                await process.wait()
        except TimeoutError:
            _log.warning("%s does not end by itself and is killed", self.part.name)
        self.kill()
        await process.wait()

    def kill(self) -> None:
        """Kill whatever is left of its group at once."""
        if self._group is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._group, signal.SIGKILL)
            self._report(self._group, False)
            self._group = None

    async def _spawn(self) -> asyncio.subprocess.Process:
        with self.log_path.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self.part.command,
                env={**os.environ, **self.part.environment},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
                pass_fds=self._inherited,
                preexec_fn=make_tie(self.part.stop_signal),
            )
        self._group = self._process.pid
        self._report(self._group, True)
        return self._process

    async def _wait_until_ready(self, process: asyncio.subprocess.Process) -> None:
        deadline = time.monotonic() + self.part.start_seconds
        while not await self.part.is_ready():
            if process.returncode is not None:
                reason = f"ended with code {process.returncode} while it started"
            elif time.monotonic() > deadline:
                reason = f"was not ready after {self.part.start_seconds:.0f} s"
            else:
                await asyncio.sleep(_READY_PAUSE_SECONDS)
                continue
            raise CannotStart(f"The {self.part.name} {reason}. {self._quote_log()}")

    async def _keep_alive(self, process: asyncio.subprocess.Process) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while True:
            started = time.monotonic()
            code = await process.wait()
            self.kill()  # what it may have left of its group
            if time.monotonic() - started > _STEADY_SECONDS:
                pause = _FIRST_PAUSE_SECONDS
            _log.warning("%s ended with code %s; again in %.1f s", self.part.name, code, pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
            process = await self._spawn()

    def _quote_log(self) -> str:
        """Return the last lines of this start; those of an earlier one would mislead."""
        written = self.log_path.read_bytes()[self._log_start :].decode(errors="replace")
        lines = written.splitlines()[-_LOG_TAIL_LINES:]
        if not lines:
            return f"It wrote nothing into {self.log_path}; the machine may be busy: try again."
        tail = "\n".join(f"  {self.part.name} | {line}" for line in lines)
        return f"The end of {self.log_path}:\n{tail}"


def _turn_over(log: Path) -> None:
    if log.exists() and log.stat().st_size > _LARGEST_LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))
