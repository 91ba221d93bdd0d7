"""Real server processes that tests start, kill and restart on the same data."""

import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from comfyhoused.embedded import valkey
from comfyhoused.embedded.parentage import make_tie
from tests.ports import take_port
from tests.waiting import PATIENCE_SECONDS, wait_blocking


class ServerProcess:
    """One process in its own group, dying with the test run; its output is in `log`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "process.log"
        self.process: subprocess.Popen[bytes] | None = None

    def spawn(self, *command: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,
                preexec_fn=make_tie(signal.SIGKILL),
            )

    @property
    def pid(self) -> int:
        assert self.process is not None, "not started"
        return self.process.pid

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """End it as `kill -9` does, and wait until it is gone."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self, seconds: float = PATIENCE_SECONDS) -> None:
        """Ask it to end (SIGTERM), then insist."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def _check_alive(self) -> None:
        if not self.is_alive:
            raise RuntimeError(f"the process ended early:\n{self.log.read_text()[-4000:]}")


class ValkeyProcess(ServerProcess):
    """A Valkey on a free port of 127.0.0.1; `start` after `kill` uses the same port and data."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.port = 0

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        self.port = self.port or take_port()
        self.spawn(*valkey.prepare(self.folder, self.port))
        wait_blocking(self._has_settled)
        self._check_alive()

    def restart(self) -> None:
        self.kill()
        self.start()

    def _has_settled(self) -> bool:
        return not self.is_alive or valkey.is_answering(self.port)


class EngineProcess(ServerProcess):
    """The built-in engine on a free port; `restart` keeps port and data."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        super().__init__(folder)
        self.data = folder / "data"
        self.arguments = arguments
        self.port = 0
        self.is_holding = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.is_holding = False
        self.port = self.port or take_port()
        ready_file = self.folder / "ready"
        ready_file.unlink(missing_ok=True)
        self.spawn(
            *(sys.executable, "-m", "comfyhouse_engine"),
            *("--host", "127.0.0.1", "--port", str(self.port)),
            *("--data", str(self.data), "--ready-file", str(ready_file)),
            *self.arguments,
        )
        wait_blocking(lambda: not self.is_alive or ready_file.exists())
        self._check_alive()

    def restart(self) -> None:
        self.kill()
        self.start()

    def set_switch(self, **switches: object) -> None:
        """Set scenario switches of the running engine, e.g. `set_switch(node_seconds=0.5)`."""
        request = urllib.request.Request(
            f"{self.url}/engine/switches",
            data=json.dumps(switches).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
            assert answer.status == 200

    def hold(self, node: str = "KSampler") -> None:
        """Have every run wait before this node (id or class) until `let_go`."""
        self.is_holding = True
        self.set_switch(hold_at_node=node)

    def let_go(self) -> None:
        """Have the runs that wait go on. A restart does the same."""
        self.set_switch(hold_at_node=None)
        self.is_holding = False

    def executions(self) -> list[dict[str, Any]]:
        """Return the engine's own execution log: a dict a line, `event` start or end."""
        log = self.data / "executions.jsonl"
        if not log.exists():
            return []
        # The last line may be half written when the process was killed.
        lines = log.read_text().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]
