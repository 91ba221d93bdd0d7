"""The supervisor with real children: together up, together down, never an orphan."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from comfyhoused.embedded.child import Part
from comfyhoused.embedded.errors import CannotStart
from comfyhoused.embedded.supervisor import Supervisor
from tests.waiting import wait_until

# Writes its process id, then waits for a signal.
_PATIENT = """
import os, pathlib, signal, sys
pathlib.Path(sys.argv[1]).write_text(str(os.getpid()))
signal.pause()
"""
# As above, but deaf to SIGTERM, and with a child of its own that is deaf too.
_STUBBORN = """
import os, pathlib, signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
grandchild = os.fork()
if grandchild:
    pathlib.Path(sys.argv[1]).write_text(f"{os.getpid()} {grandchild}")
signal.pause()
"""


def make_part(
    folder: Path,
    name: str,
    program: str = _PATIENT,
    *,
    start_seconds: float = 60.0,
    stop_seconds: float = 15.0,
) -> Part:
    pids = folder / f"{name}.pids"

    async def is_ready() -> bool:
        return pids.exists() and pids.read_text() != ""

    return Part(
        name,
        (sys.executable, "-c", program, str(pids)),
        is_ready,
        start_seconds=start_seconds,
        stop_seconds=stop_seconds,
    )


def read_pids(folder: Path, name: str) -> list[int]:
    return [int(pid) for pid in (folder / f"{name}.pids").read_text().split()]


def is_gone(pid: int) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    return True


@pytest.fixture
async def supervisor(tmp_path: Path) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(tmp_path / "log")
    yield supervisor
    await supervisor.stop()


async def test_stop_leaves_nothing(tmp_path: Path) -> None:
    before = set(psutil.Process().children(recursive=True))  # other tests' servers
    supervisor = Supervisor(tmp_path / "log")
    await supervisor.start(make_part(tmp_path, "a"), make_part(tmp_path, "b"))
    pids = read_pids(tmp_path, "a") + read_pids(tmp_path, "b")
    assert not any(is_gone(pid) for pid in pids)
    await supervisor.stop()
    assert all(is_gone(pid) for pid in pids)
    assert set(psutil.Process().children(recursive=True)) <= before


async def test_stop_ends_the_last_started_first(tmp_path: Path) -> None:
    order = tmp_path / "order"
    program = f"""
import pathlib, signal, sys
def end(*_):
    with open({str(order)!r}, "a") as file: file.write(sys.argv[1][-6] + " ")
    sys.exit()
signal.signal(signal.SIGTERM, end)
pathlib.Path(sys.argv[1]).write_text("1")
while True: signal.pause()
"""
    supervisor = Supervisor(tmp_path / "log")
    for name in "abc":
        await supervisor.start(make_part(tmp_path, name, program))
    await supervisor.stop()
    assert order.read_text().split() == ["c", "b", "a"]


async def test_the_deaf_and_their_children_are_killed(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path / "log")
    await supervisor.start(make_part(tmp_path, "deaf", _STUBBORN, stop_seconds=0.2))
    pids = read_pids(tmp_path, "deaf")
    assert len(pids) == 2
    await supervisor.stop()
    await wait_until(lambda: all(is_gone(pid) for pid in pids))


async def test_a_part_that_dies_is_started_again(tmp_path: Path, supervisor: Supervisor) -> None:
    await supervisor.start(make_part(tmp_path, "a"))
    [first] = read_pids(tmp_path, "a")
    os.kill(first, signal.SIGKILL)
    await wait_until(lambda: read_pids(tmp_path, "a") not in ([first], []))
    [second] = read_pids(tmp_path, "a")
    assert is_gone(first)
    assert not is_gone(second)


async def test_a_part_that_cannot_start_says_why(tmp_path: Path, supervisor: Supervisor) -> None:
    broken = make_part(tmp_path, "broken", "raise SystemExit('no such luck')")
    slow = make_part(tmp_path, "slow", "import signal; signal.pause()")
    with pytest.raises(CannotStart, match=r"The broken ended with code 1(.|\n)*no such luck"):
        await supervisor.start(broken, slow)


async def test_a_part_that_is_never_ready_is_given_up(
    tmp_path: Path, supervisor: Supervisor
) -> None:
    slow = make_part(tmp_path, "slow", "import signal; signal.pause()", start_seconds=0.2)
    (tmp_path / "log").mkdir(exist_ok=True)
    (tmp_path / "log" / "slow.log").write_text("what broke yesterday\n")
    with pytest.raises(CannotStart, match="The slow was not ready") as given_up:
        await supervisor.start(slow)
    assert "It wrote nothing" in str(given_up.value)
    assert "yesterday" not in str(given_up.value)


@pytest.mark.parametrize("program", [_PATIENT, _STUBBORN])
async def test_a_killed_supervisor_leaves_no_orphan(tmp_path: Path, program: str) -> None:
    pids_file = tmp_path / "a.ready"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(Path(__file__).with_name("supervised.py")), str(tmp_path)),
        f"a={program.replace('sys.argv[1]', repr(str(pids_file)))}",
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"up\n"
    pids = [child.pid for child in psutil.Process(process.pid).children(recursive=True)]
    assert len(pids) >= 2  # the child and the warden
    process.kill()
    await process.wait()
    await wait_until(lambda: all(is_gone(pid) for pid in pids))
