"""kill -9 of worker, API, engine and Valkey at random points, while jobs flow."""

import asyncio
import os
import random
from collections.abc import Callable

import httpx
import pytest

from tests.chaos.audit import (
    check_counters,
    check_ledger,
    check_outputs,
    check_runs,
    wait_all_terminal,
)
from tests.conftest import MakeHouse
from tests.house import House
from tests.job_cases import make_blank_graph, make_generate
from tests.waiting import wait_until

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]

_SEED = int(os.environ.get("CH_CHAOS_SEED", "7"))
_OWNER = "account:tester"


class Flow:
    """Customers who submit without pause, and try again with the same key when refused."""

    def __init__(self, house: House, chance: random.Random) -> None:
        self.house = house
        self.accepted: list[str] = []
        self._chance = chance
        self._number = 0
        self._is_over = False

    async def run(self, customers: int) -> None:
        await asyncio.gather(*(self._submit_on() for _ in range(customers)))

    def end(self) -> None:
        self._is_over = True

    async def _submit_on(self) -> None:
        while not self._is_over:
            self._number += 1
            await self._submit(self._number)
            await asyncio.sleep(self._chance.uniform(0.05, 0.3))

    async def _submit(self, number: int) -> None:
        body = (
            {"workflow": make_blank_graph(color=number)}
            if self._chance.random() < 0.5
            else make_generate(f"boat {number}", steps=2)
        )
        headers = {"Idempotency-Key": f"order-{number}"}
        while True:
            api = self._chance.choice(self.house.apis)
            try:
                answer = await self.house.client.post(
                    f"{api.url}/api/v1/jobs", json=body, headers=headers
                )
            except httpx.TransportError:
                await asyncio.sleep(0.05)
                continue
            if answer.status_code == 202:
                self.accepted.append(answer.json()["job_id"])
                return
            assert answer.status_code == 503, answer.text
            assert answer.headers["Content-Type"] == "application/problem+json"
            await asyncio.sleep(0.05)


async def restart(house: House, what: str, chance: random.Random) -> None:
    """Kill one part without warning, leave it dead for a moment, start it again."""
    part = {
        "worker": lambda: chance.choice(house.workers),
        "api": lambda: chance.choice(house.apis),
        "engine": lambda: house.engine,
        "valkey": lambda: house.valkey,
    }[what]()
    part.kill()
    await asyncio.sleep(chance.uniform(0, 0.5))
    await asyncio.to_thread(part.start)
    if what == "api":
        await asyncio.to_thread(part.wait_ready)


async def torture(house: House, kills: list[str], chance: random.Random) -> Flow:
    """Kill these parts one after the other while jobs flow."""
    flow = Flow(house, chance)
    flowing = asyncio.create_task(flow.run(3))
    for what in kills:
        before = len(flow.accepted)
        await asyncio.sleep(chance.uniform(0.1, 0.8))
        await restart(house, what, chance)
        await wait_until(lambda before=before: len(flow.accepted) > before)
    flow.end()
    await flowing
    return flow


async def audit(house: House, flow: Flow) -> int:
    """Check every invariant; returns how often the GPU ran."""
    jobs = await wait_all_terminal(house, flow.accepted, 90)
    assert all(part.is_alive for part in (*house.workers, *house.apis)), house.read_logs()
    assert len(set(flow.accepted)) == len(flow.accepted)
    failed = [job for job in jobs.values() if job["status"] != "succeeded"]
    assert {job["error"]["code"] for job in failed} <= {"job_poisonous"}, failed
    runs = check_runs(house, flow.accepted)
    await check_ledger(house, _OWNER, jobs)
    await check_outputs(house, jobs)
    await check_counters(house)
    return runs


def make_kills(count: int, *what: str) -> list[str]:
    kills = [what[number % len(what)] for number in range(count)]
    random.Random(_SEED).shuffle(kills)
    return kills


@pytest.mark.parametrize(
    "count",
    [
        pytest.param(8, id="8"),
        pytest.param(200, id="200", marks=[pytest.mark.soak, pytest.mark.timeout(7200)]),
    ],
)
async def test_no_job_is_lost_whatever_dies(
    make_house: MakeHouse, count: int, record_property: Callable[[str, object], None]
) -> None:
    house = await make_house(workers=2, apis=2)
    house.engine.set_switch(step_seconds=0.05)
    chance = random.Random(_SEED)

    flow = await torture(house, make_kills(count, "worker", "api", "engine", "valkey"), chance)
    runs = await audit(house, flow)

    record_property("jobs", len(flow.accepted))
    record_property("runs", runs)
    assert runs >= len(flow.accepted) * 0.9


@pytest.mark.parametrize(
    "count",
    [
        pytest.param(4, id="4"),
        pytest.param(100, id="100", marks=[pytest.mark.soak, pytest.mark.timeout(7200)]),
    ],
)
async def test_one_run_each_while_the_engine_lives(make_house: MakeHouse, count: int) -> None:
    """Workers, API and Valkey die; the engine does not: exactly one run of every job."""
    house = await make_house(workers=2, apis=1)
    house.engine.set_switch(step_seconds=0.05)
    chance = random.Random(_SEED + 1)

    flow = await torture(house, make_kills(count, "worker", "worker", "valkey", "api"), chance)
    runs = await audit(house, flow)

    assert runs == len(flow.accepted)
