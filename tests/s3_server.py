"""A real S3 server for tests: ministack as a process of its own."""

import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

from comfyhoused.adapters.storage.s3 import Bucket
from tests.ports import take_port
from tests.processes import ServerProcess
from tests.waiting import wait_blocking


class S3Process(ServerProcess):
    """Ministack on a free port of 127.0.0.1, with nothing but S3, all in its memory."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.port = self.port or take_port()
        settings = {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": self.port, "SERVICES": "s3"}
        variables = [f"{name}={value}" for name, value in settings.items()]
        home = [f"HOME={self.folder}", f"TMPDIR={self.folder}", f"PATH={os.environ['PATH']}"]
        self.spawn("env", "-i", *home, *variables, sys.executable, "-m", "ministack")
        wait_blocking(lambda: not self.is_alive or self._is_answering())
        self._check_alive()

    def make_bucket(self, name: str, *, secret_key: str = "test") -> Bucket:
        """Create a bucket that is there and empty."""
        request = urllib.request.Request(f"{self.url}/{name}", method="PUT")
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert answer.status == 200
        return Bucket(name, self.url, "us-east-1", "test", secret_key)

    def _is_answering(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/_ministack/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False
