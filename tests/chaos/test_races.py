"""Things that happen at the same time: one of them wins, for good, and the bill agrees."""

import asyncio
import os
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from comfyhoused.adapters.redis.client import open_store
from comfyhoused.core.jobs.admission import Application, QuotaExceeded, admit
from comfyhoused.core.jobs.books import make_books_key
from comfyhoused.core.jobs.settlement import settle
from comfyhoused.kit.ids import make_id, make_job_id
from comfyhoused.kit.periods import get_period
from tests.chaos.audit import check_counters, check_ledger, check_runs
from tests.house import TERMINAL, House
from tests.job_cases import make_blank_graph, make_generate
from tests.waiting import PATIENCE_SECONDS, wait_until

pytestmark = [pytest.mark.chaos, pytest.mark.asyncio(loop_scope="module")]

JOBS = "/api/v1/jobs"
_SEED = int(os.environ.get("CH_CHAOS_SEED", "7"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with House(tmp_path_factory.mktemp("races"), workers=2) as one:
        yield one


@pytest.mark.parametrize(
    "rounds",
    [
        pytest.param(60, id="60"),
        pytest.param(3000, id="3000", marks=[pytest.mark.soak, pytest.mark.timeout(7200)]),
    ],
)
async def test_cancellation_races_with_the_end(house: House, rounds: int) -> None:
    account = make_id("acct", 8)
    chance = random.Random(_SEED)
    jobs: dict[str, str] = {}

    async with await house.make_client(account=account) as client:

        async def race(number: int) -> None:
            body = (
                {"workflow": make_blank_graph(color=number)}
                if number % 2
                else make_generate(f"boat {number}", steps=2)
            )
            job_id = (await client.post(JOBS, json=body)).json()["job_id"]
            await asyncio.sleep(chance.uniform(0, 0.15))
            answers = await asyncio.gather(
                *(client.post(f"{JOBS}/{job_id}/cancel") for _ in range(2))
            )
            assert {one.status_code for one in answers} == {200}
            seen: list[str] = []
            while not seen or seen[-1] not in TERMINAL:
                seen.append((await client.get(f"{JOBS}/{job_id}")).json()["status"])
            later = [(await client.get(f"{JOBS}/{job_id}")).json()["status"] for _ in range(5)]
            assert set(later) == {seen[-1]}, (seen, later)
            jobs[job_id] = seen[-1]

        for start in range(0, rounds, 4):
            await asyncio.gather(*(race(number) for number in range(start, start + 4)))

    assert set(jobs.values()) <= {"succeeded", "canceled"}
    records = {one: {"status": state} for one, state in jobs.items()}
    await check_ledger(house, f"account:{account}", records)
    runs = check_runs(house, list(jobs))
    assert runs <= len(jobs)
    for job_id, state in jobs.items():
        events = await house.store.xrange(f"ch:1:job:{job_id}:events")
        kinds = [fields["event"] for _, fields in events]
        assert sum(f'"job.{one}"' in kind for kind in kinds for one in TERMINAL) == 1
        assert f'"job.{state}"' in kinds[-1]
    await check_counters(house)


async def test_deletion_races_with_the_end(house: House) -> None:
    """A job erased at any moment leaves nothing, and no reservation either."""
    account = make_id("acct", 8)
    chance = random.Random(_SEED)
    async with await house.make_client(account=account) as client:
        ids = []
        for number in range(24):
            answer = await client.post(JOBS, json=make_generate(f"boat {number}", steps=2))
            ids.append(answer.json()["job_id"])
            await asyncio.sleep(chance.uniform(0, 0.12))
            assert (await client.delete(f"{JOBS}/{ids[-1]}")).status_code == 204
        assert (await client.get(JOBS)).json()["jobs"] == []

        books = make_books_key("usage", f"account:{account}", get_period())

        async def is_gone() -> bool:
            keys = [key async for key in house.store.scan_iter("ch:1:job:*")]
            usage = await house.store.hget(books, "reserved")
            return usage == "0" and not any(one in key for one in ids for key in keys)

        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await is_gone():
                await asyncio.sleep(0.05)
        assert (await client.get("/api/v1/files")).json()["files"] == []

    def list_left() -> list[Path]:
        found = [p for one in ids for p in house.data_dir.rglob(f"*{one}*/**/*")]
        return [p for p in found if p.is_file()]

    await wait_until(lambda: list_left() == [])


async def test_of_fifty_racers_at_the_limit_one_is_admitted(house: House) -> None:
    owner = f"account:{make_id('acct', 8)}"
    store = open_store(house.valkey.url)
    await store.hset(f"ch:1:usage:{owner}", "settled", "9")

    async def apply() -> str | None:
        application = Application(
            job_id=make_job_id(),
            owner=owner,
            mode="live",
            plan_class="free",
            kind="workflow",
            spec={"graph": make_blank_graph()},
            limit=10,
        )
        try:
            return (await admit(store, application)).job_id
        except QuotaExceeded:
            return None

    admitted = [one for one in await asyncio.gather(*(apply() for _ in range(50))) if one]
    await store.aclose()

    assert len(admitted) == 1
    await _wait_used(house, owner, "0", "10")
    assert await house.store.hgetall(f"ch:1:charges:{owner}") == {admitted[0]: "settled:1"}


async def _wait_used(house: House, owner: str, reserved: str, settled: str | None) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await house.store.hmget(f"ch:1:usage:{owner}", "reserved", "settled") != [
            reserved,
            settled,
        ]:
            await asyncio.sleep(0.05)


async def test_what_is_released_can_be_used_again(house: House) -> None:
    """A failure gives its reservation back: the last unit pays for three tries."""
    owner = f"account:{make_id('acct', 8)}"
    house.engine.set_switch(fail_at_node="EmptyImage")
    spec = {"graph": make_blank_graph(color=77)}
    for _ in range(3):
        application = Application(make_job_id(), owner, "live", "free", "workflow", spec, limit=1)
        await admit(house.store, application)
        await _wait_used(house, owner, "0", None)
    house.engine.set_switch(fail_at_node=None)

    charges = await house.store.hgetall(f"ch:1:charges:{owner}")
    assert sorted(charges.values()) == ["released:0"] * 3


async def test_settling_a_hundred_times_charges_once(house: House) -> None:
    owner = f"account:{make_id('acct', 8)}"
    application = Application(
        make_job_id(), owner, "live", "free", "generate", {"graph": make_blank_graph()}, units=3
    )
    job_id = (await admit(house.store, application)).job_id
    await wait_all_terminal_by_store(house, [job_id])
    await _wait_used(house, owner, "0", "3")

    answers = await asyncio.gather(
        *(settle(house.store, owner, job_id, "settle", 3) for _ in range(50)),
        *(settle(house.store, owner, job_id, "release", 3) for _ in range(50)),
    )

    assert not any(answers)
    await _wait_used(house, owner, "0", "3")


async def wait_all_terminal_by_store(house: House, ids: list[str]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        for job_id in ids:
            while await house.store.hget(f"ch:1:job:{job_id}", "state") not in TERMINAL:
                await asyncio.sleep(0.05)


async def test_the_same_job_twice_is_one_job(house: House) -> None:
    """Whoever admits by the job's id, as Creator will, may do it again after a crash."""
    owner = f"account:{make_id('acct', 8)}"
    application = Application(
        make_job_id(), owner, "live", "free", "workflow", {"graph": make_blank_graph()}
    )
    answers = await asyncio.gather(*(admit(house.store, application) for _ in range(20)))

    assert sum(not one.is_replayed for one in answers) == 1
    await wait_all_terminal_by_store(house, [application.job_id])
    await _wait_used(house, owner, "0", "1")
    assert check_runs(house, [application.job_id]) == 1
