"""The data folder and the port of a house: taken or unusable ones are said in one sentence."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from comfyhoused.embedded.errors import CannotStart
from comfyhoused.embedded.folder import hold_folder, prepare_folder
from comfyhoused.embedded.ports import check_port
from tests.ports import take_port

HOLD_PROGRAM = """
import sys
from pathlib import Path
from comfyhoused.embedded.folder import hold_folder
print("waiting", flush=True)
hold_folder(Path(sys.argv[1]))
print("held")
"""


def make_dead_process_id() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_folder_is_made_with_its_parents(tmp_path: Path) -> None:
    folder = prepare_folder(tmp_path / "new one" / "var")
    assert folder.is_dir()
    assert list(folder.iterdir()) == []


def test_a_folder_that_cannot_be_written_names_its_setting(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotStart, match=r"cannot be written to .*CH_DATA_DIR"):
        prepare_folder(tmp_path / "file" / "var")


def test_a_second_house_is_turned_away_while_the_first_runs(tmp_path: Path) -> None:
    with (
        hold_folder(tmp_path),
        pytest.raises(CannotStart, match=r"already runs on .*process \d+"),
    ):
        hold_folder(tmp_path)
    hold_folder(tmp_path).close()


def test_a_house_waits_for_what_a_killed_one_leaves_ending(tmp_path: Path) -> None:
    # The first house is dead, but a child of it has inherited the lock and ends a little later.
    with hold_folder(tmp_path) as lock:
        child = subprocess.Popen(
            [sys.executable, "-c", "import sys; sys.stdin.read()"],
            stdin=subprocess.PIPE,
            pass_fds=[lock.fileno()],
        )
    (tmp_path / "up.lock").write_text(str(make_dead_process_id()))
    waiting = subprocess.Popen(
        [sys.executable, "-c", HOLD_PROGRAM, str(tmp_path)], stdout=subprocess.PIPE
    )
    assert waiting.stdout is not None
    assert waiting.stdout.readline() == b"waiting\n"
    assert waiting.poll() is None
    child.communicate(b"")
    assert waiting.communicate(timeout=60)[0] == b"held\n"


def test_a_taken_port_is_named_with_its_setting() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(CannotStart, match=rf"Port {port} .* taken .*CH_PORT"):
            check_port("127.0.0.1", port)


def test_an_address_that_is_not_ours_is_said() -> None:
    with pytest.raises(CannotStart, match="CH_HOST"):
        check_port("203.0.113.7", 8000)


def test_a_free_port_is_fine() -> None:
    check_port("127.0.0.1", take_port())
