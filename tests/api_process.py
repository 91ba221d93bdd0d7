"""The web server alone, for tests of what needs no worker: it starts in a second or two."""

from pathlib import Path

from tests.house import PLANS_FILE, ApiProcess
from tests.ports import take_port


class LoneApi(ApiProcess):
    """One API process on a Valkey that the test has; `start` returns when it answers."""

    def __init__(self, folder: Path, redis_url: str, **settings: object) -> None:
        port = take_port()
        environment = {
            "CH_REDIS_URL": redis_url,
            "CH_DATA_DIR": folder / "data",
            "CH_PORT": port,
            "CH_PLANS_FILE": PLANS_FILE,
            **settings,
        }
        super().__init__(folder, {name: str(value) for name, value in environment.items()}, port)

    def start(self) -> None:
        super().start()
        self.wait_ready()
