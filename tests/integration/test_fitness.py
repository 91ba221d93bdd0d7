"""What a house refuses to stand on, and what a copy of its store is worth."""

import shutil
from pathlib import Path

import pytest

from comfyhoused.adapters.redis.client import StoreUnavailable, open_store
from comfyhoused.core.jobs.record import find_job
from comfyhoused.core.jobs.states import JobState
from comfyhoused.resources import UnfitHouse, check_fitness, open_resources
from comfyhoused.settings import Settings
from tests.conftest import MakeValkey
from tests.job_desks import admit_job, claim_next
from tests.ports import take_port
from tests.processes import ValkeyProcess


@pytest.fixture
def make_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def make(url: str, **environment: str) -> Settings:
        monkeypatch.setenv("CH_REDIS_URL", url)
        monkeypatch.setenv("CH_DATA_DIR", str(tmp_path / "data"))
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return Settings.load()

    return make


async def test_production_names_every_weakness_at_once(
    make_settings, make_valkey: MakeValkey
) -> None:
    valkey = make_valkey()
    store = open_store(valkey.url)
    await store.config_set("appendfsync", "everysec")
    await store.config_set("maxmemory-policy", "allkeys-lru")
    settings = make_settings(valkey.url, CH_MODE="production")
    with pytest.raises(UnfitHouse) as refusal:
        async with open_resources(settings):
            pass
    text = str(refusal.value)
    assert all(word in text for word in ("appendfsync", "maxmemory-policy", "CH_SECRET"))
    async with open_resources(make_settings(valkey.url, CH_MODE="development")):
        pass  # a warning is enough there
    await store.aclose()


async def test_production_refuses_a_stand_in_also_while_redis_is_away(make_settings) -> None:
    """Signing in needs Postgres alone: nobody may do so meanwhile by a stand-in for Google."""
    own = {"CH_MODE": "production", "CH_SECRET": "x" * 32}
    creator = {"CH_DATABASE_URL": "postgresql://127.0.0.1/x", "CH_VAULT_KEYS": "A" * 43}
    public = {"CH_PUBLIC_URL": "https://house.example"}
    nobody = f"redis://127.0.0.1:{take_port()}/0"
    stand_in = {"CH_GOOGLE_ISSUER": "http://127.0.0.1:9000"}
    for environment, refusal in (({}, StoreUnavailable), (stand_in, UnfitHouse)):
        settings = make_settings(nobody, **own, **creator, **public, **environment)
        async with open_resources(settings, needs_store=False) as resources:
            with pytest.raises(refusal):
                await check_fitness(resources)


async def test_a_fit_house_opens_in_production(make_settings, make_valkey: MakeValkey) -> None:
    own = {"CH_MODE": "production", "CH_SECRET": "x" * 32}
    async with open_resources(make_settings(make_valkey().url, **own)) as resources:
        assert await resources.store.get("ch:1:schema") == "1"


async def test_data_of_a_newer_version_is_left_alone(
    make_settings, make_valkey: MakeValkey
) -> None:
    valkey = make_valkey()
    store = open_store(valkey.url)
    await store.set("ch:1:schema", "2")
    with pytest.raises(UnfitHouse, match="version 2"):
        async with open_resources(make_settings(valkey.url)):
            pass
    assert await store.get("ch:1:schema") == "2"
    await store.aclose()


async def test_a_copy_taken_while_it_runs_holds_what_was_accepted(
    make_valkey: MakeValkey, started: list, tmp_path: Path
) -> None:
    """The backup of docs/operations/running.md: copy the append-only directory."""
    valkey = make_valkey()
    store = open_store(valkey.url)
    jobs = [await admit_job(store) for _ in range(5)]
    assert await claim_next(store) is not None
    shutil.copytree(valkey.folder / "appendonlydir", tmp_path / "copy" / "appendonlydir")
    await admit_job(store)
    await store.aclose()

    restored = ValkeyProcess(tmp_path / "copy")
    started.append(restored)
    restored.start()
    store = open_store(restored.url)
    found = [await find_job(store, job_id) for job_id in jobs]
    assert [job is not None and job.state for job in found] == [JobState.QUEUED] * 5
    assert sum(job is not None and job.is_assigned for job in found) == 1
    assert await claim_next(store) is not None  # the second slot
    await store.aclose()


@pytest.mark.parametrize("places", ["0.0.0.0/0", "::/0", "10.0.0.0/8,127.0.0.1", "localhost"])
async def test_production_opens_itself_to_no_customers_address(
    make_settings, make_valkey: MakeValkey, places: str
) -> None:
    own = {"CH_MODE": "production", "CH_SECRET": "x" * 32, "CH_OUTBOUND_ALLOWED": places}
    url = make_valkey().url
    with pytest.raises(UnfitHouse, match="CH_OUTBOUND_ALLOWED"):
        async with open_resources(make_settings(url, **own)):
            pass
    async with open_resources(make_settings(url, **{**own, "CH_MODE": "development"})):
        pass
    inner = {**own, "CH_OUTBOUND_ALLOWED": "10.0.0.0/8,fd00::/8,nas.local"}
    async with open_resources(make_settings(url, **inner)):
        pass


async def test_production_has_no_pace_of_tests(make_settings, make_valkey: MakeValkey) -> None:
    own = {"CH_MODE": "production", "CH_SECRET": "x" * 32, "CH_WEBHOOK_PACE": "0.001"}
    with pytest.raises(UnfitHouse, match="CH_WEBHOOK_PACE"):
        async with open_resources(make_settings(make_valkey().url, **own)):
            pass
