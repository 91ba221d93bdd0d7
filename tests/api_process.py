"""The web server as a process of its own, as `comfyhoused serve` runs it."""

import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

from comfyhoused.embedded.ports import find_free_port
from tests.processes import ServerProcess
from tests.waiting import wait_blocking


class ApiProcess(ServerProcess):
    """One uvicorn on a free port of 127.0.0.1; `restart` keeps port and data."""

    def __init__(self, folder: Path, redis_url: str, **settings: object) -> None:
        super().__init__(folder)
        self.port = 0
        self._settings = {"CH_REDIS_URL": redis_url, "CH_DATA_DIR": folder / "data", **settings}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.port = self.port or find_free_port()
        settings = {**self._settings, "CH_PORT": self.port}
        self.spawn(
            *("env", "-C", str(self.folder), f"PATH={os.environ['PATH']}"),
            *(f"{name}={value}" for name, value in settings.items()),
            *(sys.executable, "-m", "uvicorn", "--factory", "comfyhoused.app:create_app"),
            *("--host", "127.0.0.1", "--port", str(self.port), "--log-level", "warning"),
        )
        wait_blocking(lambda: not self.is_alive or self._is_answering(), 60)
        self._check_alive()

    def restart(self) -> None:
        self.kill()
        self.start()

    def _is_answering(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False
