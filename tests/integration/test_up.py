"""`comfyhoused up` as a new user meets it: a picture, a key, a command to paste, a clean end."""

import asyncio
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest
from PIL import Image

from tests.conftest import MakeEngine, MakeValkey
from tests.ports import take_port
from tests.postgres import TestPostgres
from tests.waiting import wait_blocking

pytestmark = pytest.mark.timeout(300)

# Of the developer's own environment nothing may reach the house under test.
PLAIN = {name: value for name, value in os.environ.items() if not name.startswith("CH_")}


class House:
    """`comfyhoused up` in a session of its own, in a folder with a space, on a free port."""

    def __init__(self, folder: Path, *arguments: str, **environment: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.output = folder / "output.txt"
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "comfyhoused", "up", *arguments],
                cwd=folder,
                env={**PLAIN, "CH_PORT": "0", **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def text(self) -> str:
        return self.output.read_text()

    @property
    def data(self) -> Path:
        return self.folder / "var"

    def wait_for(self, sentence: str) -> None:
        wait_blocking(lambda: sentence in self.text or self.process.poll() is not None, 110)
        assert sentence in self.text, self.text

    def wait(self) -> int:
        return self.process.wait(110)

    def list_processes(self) -> list[int]:
        """Every living process of its session: children lead groups of their own in it."""
        return [pid for pid in psutil.pids() if self._is_ours(pid)]

    def _is_ours(self, pid: int) -> bool:
        try:
            is_dead = psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
            return os.getsid(pid) == self.process.pid and not is_dead
        except (ProcessLookupError, psutil.NoSuchProcess):
            return False

    def end(self) -> None:
        for pid in self.list_processes():
            os.kill(pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def houses() -> Iterator[list[House]]:
    houses: list[House] = []
    yield houses
    for house in houses:
        house.end()


def check_picture(path: Path) -> None:
    with Image.open(path) as picture:
        picture.load()
        assert picture.format == "PNG"
        assert picture.size == (512, 512)


def run_printed_command(text: str) -> dict[str, object]:
    """Paste what was printed into a shell; curl is on every machine that has git."""
    command = text.split("Make another picture:\n\n")[1].split("\n\n")[0]
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stderr
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def get_job(house: House, job_id: str) -> dict[str, object]:
    [key] = set(re.findall(r"sk_live_\w+", house.text))
    [url] = re.findall(r"API +(http\S+)", house.text)
    request = urllib.request.Request(f"{url}/jobs/{job_id}")
    request.add_header("Authorization", f"Bearer {key}")
    with urllib.request.urlopen(request, timeout=30) as answer:
        job: dict[str, object] = json.load(answer)
        return job


def write_to_database(house: House, statement: str) -> None:
    """Write into the bundled Postgres, whose address only the owner of the data may read."""
    note = house.data / "running.json"
    assert stat.S_IMODE(note.stat().st_mode) == 0o600
    url = json.loads(note.read_text())["database_url"]

    async def write() -> None:
        connection = await asyncpg.connect(url)
        await connection.execute(statement)
        await connection.close()

    asyncio.run(write())


def end_with(house: House, number: signal.Signals) -> None:
    house.process.send_signal(number)
    assert house.wait() == 0, house.text
    assert house.list_processes() == []


def test_once_makes_a_picture_and_leaves_no_process(tmp_path: Path, houses: list[House]) -> None:
    house = House(tmp_path / "a new place", "--once")
    houses.append(house)
    assert house.wait() == 0, house.text
    assert house.list_processes() == []
    check_picture(house.data / "first-image.png")
    key_file = house.data / "demo-key"
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert key_file.read_text().strip() in house.text
    assert re.search(r"Creator +http://127\.0\.0\.1:\d+/creator\n", house.text)
    assert re.search(r"Drive +http://127\.0\.0\.1:\d+/drive +\(a demo, not Google", house.text)


def test_a_killed_house_leaves_no_orphan_and_loses_nothing(
    tmp_path: Path, houses: list[House]
) -> None:
    first = House(tmp_path / "house")
    houses.append(first)
    first.wait_for("Ctrl-C stops everything")
    assert len(first.list_processes()) >= 5
    answer = run_printed_command(first.text)
    assert answer["status"] == "succeeded", answer
    write_to_database(first, "CREATE TABLE kept (number int)")
    first.process.kill()
    first.process.wait()
    wait_blocking(lambda: first.list_processes() == [])

    second = House(tmp_path / "house")
    houses.append(second)
    second.wait_for("Ctrl-C stops everything")
    assert get_job(second, str(answer["job_id"]))["status"] == "succeeded"
    write_to_database(second, "INSERT INTO kept VALUES (1)")
    assert (second.data / "demo-key").read_text().strip() in first.text
    end_with(second, signal.SIGINT)


def test_own_servers_replace_the_bundled_and_one_without_a_checkpoint_is_said(
    tmp_path: Path,
    houses: list[House],
    make_engine: MakeEngine,
    make_valkey: MakeValkey,
    postgres: TestPostgres,
) -> None:
    bare = make_engine("--switch", "no_checkpoints=true")
    house = House(
        tmp_path / "house",
        CH_COMFYUI_URLS=bare.url,
        CH_REDIS_URL=make_valkey().url,
        CH_DATABASE_URL=postgres.make_empty_database(),
    )
    houses.append(house)
    house.wait_for("Ctrl-C stops everything")
    assert not (house.data / "valkey").exists()
    assert not (house.data / "postgres").exists()
    write_to_database(house, "INSERT INTO users (id, google_sub, email) VALUES ('1', '1', '1')")
    assert "models/checkpoints" in house.text
    assert not (house.data / "first-image.png").exists()
    end_with(house, signal.SIGTERM)


def check_one_sentence(house: House, *words: str) -> None:
    assert house.wait() == 1
    assert len(house.text.splitlines()) == 1, house.text
    for word in words:
        assert word in house.text
    assert house.list_processes() == []


def test_a_busy_port_is_named_with_its_setting(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        house = House(tmp_path / "house", CH_PORT=port)
        check_one_sentence(house, port, "CH_PORT")


def test_a_redis_that_does_not_answer_is_named_with_its_setting(tmp_path: Path) -> None:
    address = f"redis://127.0.0.1:{take_port()}/0"
    check_one_sentence(House(tmp_path / "house", CH_REDIS_URL=address), "CH_REDIS_URL")


def test_a_postgres_that_does_not_answer_is_named_with_its_setting(
    tmp_path: Path, make_valkey: MakeValkey
) -> None:
    url = f"postgresql://who:secret-word@127.0.0.1:{take_port()}/creator"
    house = House(tmp_path, CH_REDIS_URL=make_valkey().url, CH_DATABASE_URL=url)
    check_one_sentence(house, "CH_DATABASE_URL")
    assert "secret-word" not in house.text


def test_an_unusable_data_folder_is_named_with_its_setting(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    house = House(tmp_path / "house", CH_DATA_DIR=str(tmp_path / "file" / "var"))
    check_one_sentence(house, "cannot be written to", "CH_DATA_DIR")


def test_a_setting_that_does_not_fit_is_named(tmp_path: Path) -> None:
    check_one_sentence(House(tmp_path / "house", CH_PORT="eighty"), "CH_PORT")
