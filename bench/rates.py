"""How exactly a rate holds over a minute, with two API processes."""

import asyncio
import time
from typing import Any

import httpx

from bench.figures import Figure, Target
from bench.place import Place
from comfyhoused.api.accounts import create_account
from comfyhoused.api.plans import PlanBook
from comfyhoused.kit.ids import make_id, make_job_id

_PLAN = "pro"
_SECONDS = 60
_TIMES_THE_RATE = 3
_SENDERS = 12


async def measure_rates(place: Place, details: dict[str, Any]) -> list[Figure]:
    """Ask three times as often as the plan allows; returns how far what was let through is off."""
    house, plan = place.house, PlanBook.load().get(_PLAN)
    while len(house.apis) < 2:
        api = house.add_api()
        await asyncio.to_thread(api.wait_ready)
    account = make_id("acct", 8)
    await create_account(house.store, account_id=account, plan=_PLAN)
    headers = {"Authorization": f"Bearer {await house.make_key(account=account)}"}
    clients = [httpx.AsyncClient(base_url=api.url, headers=headers) for api in house.apis]
    try:
        while (await _ask(clients[0])) != 429:  # what may be asked at once is used up first
            pass
        statuses = await _ask_for_a_minute(clients, plan.requests_per_second * _TIMES_THE_RATE)
    finally:
        for client in clients:
            await client.aclose()
    let_through = statuses.count(404)
    expected = plan.requests_per_second * _SECONDS
    details["rates"] = {"asked": len(statuses), "let_through": let_through, "expected": expected}
    off = abs(let_through - expected) / expected * 100
    name = f"rate of {plan.requests_per_second:g}/s over {_SECONDS} s, two processes: off by"
    return [Figure(name, "%", off, Target(2), note=f"{let_through} of {len(statuses)}")]


async def _ask_for_a_minute(clients: list[httpx.AsyncClient], per_second: float) -> list[int]:
    statuses: list[int] = []
    begun = time.monotonic()

    async def ask_on(number: int) -> None:
        due = begun + number / per_second
        while due < begun + _SECONDS:
            await asyncio.sleep(max(0, due - time.monotonic()))
            if time.monotonic() >= begun + _SECONDS:
                return
            statuses.append(await _ask(clients[number % len(clients)]))
            due += _SENDERS / per_second

    await asyncio.gather(*(ask_on(number) for number in range(_SENDERS)))
    return statuses


async def _ask(client: httpx.AsyncClient) -> int:
    """Send something that changes nothing, but counts: 404 where it is let through."""
    return (await client.post(f"/api/v1/jobs/{make_job_id()}/cancel")).status_code
