"""The bundled Valkey keeps what it has answered, whatever its folder is called."""

from pathlib import Path

import pytest
from redis.asyncio import Redis

from comfyhoused.embedded import valkey
from tests.conftest import MakeValkey
from tests.ports import take_port
from tests.processes import ServerProcess, ValkeyProcess


async def test_an_answered_write_survives_kill_9(make_valkey: MakeValkey) -> None:
    server = make_valkey()
    async with Redis.from_url(server.url, decode_responses=True) as client:
        for number in range(20):
            await client.rpush("kept", number)
    server.kill()
    server.start()
    async with Redis.from_url(server.url, decode_responses=True) as client:
        assert await client.lrange("kept", 0, -1) == [str(number) for number in range(20)]


async def test_it_runs_with_the_rules_the_job_engine_needs(redis: Redis) -> None:
    config = await redis.config_get("*")
    assert config["appendonly"] == "yes"
    assert config["appendfsync"] == "always"
    assert config["maxmemory-policy"] == "noeviction"
    assert config["bind"] == "127.0.0.1"


async def test_the_data_folder_may_have_spaces_and_quotes(
    tmp_path: Path, started: list[ServerProcess]
) -> None:
    folder = tmp_path / 'a "folder" with \\ and späces'
    server = ValkeyProcess(folder)
    started.append(server)
    server.start()
    async with Redis.from_url(server.url) as client:
        await client.set("a", "b")
    assert list(folder.glob("appendonlydir/*.aof"))


def test_nobody_answers_on_a_free_port() -> None:
    assert not valkey.is_answering(take_port())


def test_it_starts_under_a_locale_that_is_not_installed(
    make_valkey: MakeValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "xx_XX.UTF-8")
    assert make_valkey().is_alive
