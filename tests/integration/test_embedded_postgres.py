"""The bundled Postgres keeps what it has committed, for whoever has its password."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from comfyhoused.embedded import house, postgres, postgres_launch
from comfyhoused.embedded.errors import CannotStart
from comfyhoused.embedded.postgres_launch import DATA, find_stale_process
from comfyhoused.embedded.supervisor import Supervisor
from tests.ports import take_port
from tests.postgres import QUICK, PostgresProcess
from tests.waiting import wait_blocking, wait_until


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresProcess]:
    """A server on a path as a user may have it; tests kill and restart it."""
    one = PostgresProcess(tmp_path_factory.mktemp("a house") / 'it\'s a "folder" with späces')
    one.start()
    yield one
    one.stop()


async def count(server: PostgresProcess) -> int:
    connection = await asyncpg.connect(server.url)
    try:
        await connection.execute("CREATE TABLE IF NOT EXISTS kept (number int)")
        await connection.execute("INSERT INTO kept VALUES (1)")
        return int(await connection.fetchval("SELECT count(*) FROM kept"))
    finally:
        await connection.close()


async def test_what_is_committed_survives_kill_9(server: PostgresProcess) -> None:
    before = await count(server)
    server.kill()
    server.start()
    assert await count(server) == before + 1


async def test_a_fast_shutdown_waits_for_nobody(server: PostgresProcess) -> None:
    connection = await asyncpg.connect(server.url)
    await connection.execute("BEGIN")
    server.stop()
    assert server.process is not None
    assert server.process.returncode == 0
    connection.terminate()
    server.start()


async def test_it_is_for_this_machine_and_for_those_with_the_password(
    server: PostgresProcess,
) -> None:
    password = server.folder / "password"
    assert stat.S_IMODE(password.stat().st_mode) == 0o600
    assert stat.S_IMODE((server.folder / DATA).stat().st_mode) == 0o700
    places = {one.laddr for one in psutil.Process(server.pid).net_connections("all")}
    assert ("127.0.0.1", server.port) in places
    assert not any(isinstance(place, str) and place for place in places)
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(server.url.replace(password.read_text().strip(), "guessed"))


async def test_it_speaks_unicode_on_every_system(server: PostgresProcess) -> None:
    connection = await asyncpg.connect(server.url)
    assert await connection.fetchval("SELECT lower('ÄÖÜ') || current_setting('TimeZone')") == (
        "äöüUTC"
    )
    assert await connection.fetchval("SHOW server_encoding") == "UTF8"
    await connection.close()


async def test_a_number_left_behind_that_is_somebody_elses_now_stops_nothing(
    server: PostgresProcess,
) -> None:
    server.kill()
    note = server.folder / DATA / "postmaster.pid"
    lines = note.read_text().splitlines()
    note.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    assert find_stale_process(server.folder / DATA) == os.getpid()
    server.start()
    assert find_stale_process(server.folder / DATA) is None
    assert await count(server) > 0


async def test_a_second_server_is_kept_off_the_data(server: PostgresProcess) -> None:
    command = postgres.prepare(server.folder, take_port(), QUICK)
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert "postmaster.pid" in done.stderr
    assert await count(server) > 0


def test_a_database_that_was_half_made_is_made_anew(tmp_path: Path) -> None:
    server = PostgresProcess(tmp_path)
    half = tmp_path / "data.new" / "base"
    half.mkdir(parents=True)
    server.start()
    server.stop()
    assert not half.exists()
    assert (tmp_path / DATA / "PG_VERSION").exists()


def test_it_ends_with_whoever_started_it(tmp_path: Path, server: PostgresProcess) -> None:
    """Even where it had to give up a user for it: the kernel forgets the tie then."""
    server.stop()
    program = (
        "import subprocess, sys; from comfyhoused.embedded.parentage import make_tie;"
        "print(subprocess.Popen(sys.argv[1:], preexec_fn=make_tie(), stderr=2).pid, flush=True);"
        "sys.stdin.read()"
    )
    command = postgres.prepare(server.folder, server.port, QUICK)
    with (
        (tmp_path / "log").open("wb") as log,
        subprocess.Popen(
            [sys.executable, "-c", program, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
        ) as parent,
    ):
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        wait_blocking(lambda: postgres.is_answering(server.port))
        parent.kill()
    wait_blocking(lambda: not psutil.pid_exists(child))
    assert "received fast shutdown request" in (tmp_path / "log").read_text()
    server.start()


async def test_the_house_starts_it_again_where_it_was(
    tmp_path: Path, server: PostgresProcess
) -> None:
    server.stop()
    part, url = house.make_postgres(server.folder)
    supervisor = Supervisor(tmp_path / "log")
    try:
        await supervisor.start(part)
        connection = await asyncpg.connect(url)
        first = read_process(server.folder)
        os.kill(first, signal.SIGKILL)
        await wait_until(lambda: read_process(server.folder) != first)
        await wait_until(part.is_ready)
        again = await asyncpg.connect(url)
        assert await again.fetchval("SELECT count(*) FROM kept") > 0
        connection.terminate()
    finally:
        await supervisor.stop()
    assert "received fast shutdown request" in (tmp_path / "log" / "postgres.log").read_text()
    server.start()


def read_process(folder: Path) -> int:
    return int((folder / DATA / "postmaster.pid").read_text().split()[0])


def test_a_lost_password_is_said_and_not_replaced(tmp_path: Path) -> None:
    (tmp_path / postgres_launch.DATA).mkdir()
    with pytest.raises(CannotStart, match="backup"):
        postgres.prepare(tmp_path, 1)
    assert not (tmp_path / "password").exists()


def test_data_of_another_version_is_not_touched(tmp_path: Path) -> None:
    postgres.prepare(tmp_path, 1)
    (tmp_path / DATA).mkdir()
    (tmp_path / DATA / "PG_VERSION").write_text("9\n")
    with pytest.raises(CannotStart, match="pg_dump"):
        postgres.prepare(tmp_path, 1)


def test_nobody_answers_on_a_free_port() -> None:
    assert not postgres.is_answering(take_port())
