"""Counting up after the chaos: no job lost, one run each, charged once, nothing left over."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import httpx
from blake3 import blake3

from comfyhoused.core.jobs.books import make_books_key, read_ledger
from comfyhoused.kit.ids import make_attempt_id
from comfyhoused.kit.periods import get_period
from tests.house import TERMINAL, House
from tests.waiting import wait_until

_MOST_ATTEMPTS = 30


async def wait_all_terminal(
    house: House, job_ids: Sequence[str], seconds: float
) -> dict[str, dict[str, Any]]:
    """Return the records of all jobs when each is terminal."""
    jobs: dict[str, dict[str, Any]] = {}

    async def are_over() -> bool:
        for job_id in job_ids:
            if job_id not in jobs:
                job = await house.get_job(job_id)
                if job["status"] not in TERMINAL:
                    return False
                jobs[job_id] = job
        return True

    try:
        await wait_until(are_over, seconds)
    except TimeoutError:
        lost = {one: await house.store.hgetall(f"ch:1:job:{one}") for one in job_ids}
        left = [record for one, record in lost.items() if one not in jobs]
        raise AssertionError(f"not terminal: {left}\n{house.read_logs(6000)}") from None
    return jobs


def check_runs(house: House, job_ids: Sequence[str]) -> int:
    """A job began again only after its engine had died: once in each boot. Returns the runs."""
    owner = {
        make_attempt_id(job_id, number): job_id
        for job_id in job_ids
        for number in range(1, _MOST_ATTEMPTS)
    }
    starts = [line for line in house.executions() if line["event"] == "start"]
    boots = defaultdict(list)
    for line in starts:
        if line["prompt_id"] in owner:
            boots[owner[line["prompt_id"]]].append(line["boot_id"])
    doubled = {job_id: ids for job_id, ids in boots.items() if len(set(ids)) < len(ids)}
    assert doubled == {}, f"run twice by one engine: {doubled}\n{house.read_logs(6000)}"
    return sum(len(ids) for ids in boots.values())


async def check_ledger(house: House, owner: str, jobs: dict[str, dict[str, Any]]) -> None:
    """Nothing stays reserved; what was delivered is charged, once, and nothing else."""
    usage: dict[str, str] = {}
    period = get_period()

    async def is_settled() -> bool:
        nonlocal usage
        usage = await house.store.hgetall(make_books_key("usage", owner, period))
        return usage.get("reserved", "0") == "0"

    await wait_until(is_settled)
    delivered = [one for one, job in jobs.items() if job["status"] == "succeeded"]
    assert int(usage.get("settled", "0")) == len(delivered)
    charges = await house.store.hgetall(make_books_key("charges", owner, period))
    assert {one: charges.get(one) for one in jobs} == {
        one: "settled:1" if one in delivered else "released:0" for one in jobs
    }
    rows = [one async for one in read_ledger(house.store, owner, period)]
    verbs = {(one.job_id, one.verb == "reserve") for one in rows}
    assert len(rows) == len(verbs), "an entry is doubled"
    assert sum(one.units for one in rows if one.verb == "settle") == len(delivered)


async def check_outputs(house: House, jobs: dict[str, dict[str, Any]]) -> None:
    """Every delivered output is ours and whole; of every other attempt nothing is left."""
    async with httpx.AsyncClient(timeout=60) as stranger:
        for job in jobs.values():
            if job["status"] != "succeeded":
                continue
            fresh = await house.get_job(job["job_id"])
            assert fresh["outputs"], fresh
            for output in fresh["outputs"]:
                content = (await stranger.get(output["url"])).content
                assert blake3(content).hexdigest() == output["hash"]

    async def is_tidy() -> bool:
        return not await _list_orphans(house, jobs)

    try:
        await wait_until(is_tidy)
    except TimeoutError:
        raise AssertionError(f"left over: {await _list_orphans(house, jobs)}") from None


async def _list_orphans(house: House, jobs: dict[str, dict[str, Any]]) -> list[str]:
    found = await asyncio.to_thread(lambda: [*house.data_dir.glob("files/jobs/*/*/*")])
    wanted = {
        make_attempt_id(one, job["attempt"])
        for one, job in jobs.items()
        if job["status"] == "succeeded"
    }
    return [str(p) for p in found if p.parts[-3] in jobs and p.parts[-2] not in wanted]


async def check_counters(house: House) -> None:
    """No lease, slot, deadline or doorbell of a job that is over stays behind."""
    for key in ("leases", "deadlines", "delayed", "queue:live", "backend:engine:slots"):
        kind = await house.store.type(f"ch:1:{key}")
        assert kind == "none", (key, kind)
