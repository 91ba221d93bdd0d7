"""Many jobs at once: jobs a second, and the gaps between them."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from bench.figures import Figure, Target, find_median, find_percentile, summarise
from bench.gaps import list_gaps_ms, list_runs
from bench.graphs import make_no_op
from bench.place import Place
from comfyhoused.kit.ids import make_attempt_id

_SENDERS = 16


@dataclass(slots=True)
class _Burst:
    """Jobs a second until all had run, and until all outputs were with the customer."""

    run_rate: float
    fetched_rate: float
    gaps_ms: list[float]
    submits_ms: list[float]


async def measure_burst(place: Place, details: dict[str, Any]) -> list[Figure]:
    """Send 200 no-op jobs at once, directly and through the house, some times over."""
    rounds = [(await _burst_directly(place, 200), await _burst(place, 200)) for _ in range(3)]
    figures = _make_figures("burst of 200 no-ops", rounds, details)
    submits = [find_percentile(ours.submits_ms, 95) for _, ours in rounds]
    name = f"submit answer in the burst ({_SENDERS} senders), p95"
    return [*figures, Figure(name, "ms", find_median(submits))]


async def measure_short_jobs(place: Place, details: dict[str, Any]) -> list[Figure]:
    """The same with jobs in which the server only waits, as for a GPU.

    A real ComfyUI takes 8 ms for the no-op, which the engine does in 3.
    """
    if not place.is_engine:
        return []
    figures = []
    for name, count, seconds in (
        ("burst of 200 jobs of 8 ms", 200, 0.008),
        ("backlog of 60 jobs of 0.1 s", 60, 0.1),
    ):
        async with _slow_nodes(place, seconds):
            rounds = [(await _burst_directly(place, count), await _burst(place, count))]
        figures += _make_figures(name, rounds, details)
    return figures


@asynccontextmanager
async def _slow_nodes(place: Place, job_seconds: float) -> AsyncIterator[None]:
    switch = place.house.engine.set_switch
    await asyncio.to_thread(switch, node_seconds=job_seconds / len(make_no_op()))
    try:
        yield
    finally:
        await asyncio.to_thread(switch, node_seconds=0)


def _make_figures(
    name: str, rounds: list[tuple[_Burst, _Burst]], details: dict[str, Any]
) -> list[Figure]:
    details[name] = [
        {
            "direct": {"jobs_a_second": direct.run_rate, "fetched": direct.fetched_rate},
            "ours": {"jobs_a_second": ours.run_rate, "fetched": ours.fetched_rate},
            "gaps_ms": {"direct": summarise(direct.gaps_ms), "ours": summarise(ours.gaps_ms)},
        }
        for direct, ours in rounds
    ]
    runs = [ours.run_rate / direct.run_rate for direct, ours in rounds]
    fetches = [ours.fetched_rate / direct.fetched_rate for direct, ours in rounds]
    kept = [ours.run_rate / direct.fetched_rate for direct, ours in rounds]
    return [
        Figure(f"{name}: direct", "jobs/s", find_median([d.run_rate for d, _ in rounds])),
        Figure(f"{name}: ours", "jobs/s", find_median([o.run_rate for _, o in rounds])),
        Figure(
            f"{name}: ratio, direct without downloads", "×", find_median(runs), Target(0.9, "≥")
        ),
        Figure(f"{name}: ratio, direct downloads its outputs", "×", find_median(kept)),
        Figure(f"{name}: ratio, both download", "×", find_median(fetches)),
        *_make_gap_figures(name, rounds),
    ]


def _make_gap_figures(name: str, rounds: list[tuple[_Burst, _Burst]]) -> list[Figure]:
    def find(which: Callable[[tuple[_Burst, _Burst]], _Burst], percent: float) -> float:
        return find_median([find_percentile(which(pair).gaps_ms, percent) for pair in rounds])

    return [
        Figure(f"{name}: gap, direct, p50", "ms", find(lambda pair: pair[0], 50)),
        Figure(f"{name}: gap, direct, p95", "ms", find(lambda pair: pair[0], 95)),
        Figure(f"{name}: gap, p50", "ms", find(lambda pair: pair[1], 50), Target(5)),
        Figure(f"{name}: gap, p95", "ms", find(lambda pair: pair[1], 95), Target(50)),
    ]


async def _burst_directly(place: Place, count: int) -> _Burst:
    direct, accepted_at = place.direct, dict[str, float]()
    submits: list[float] = []

    async def submit() -> str:
        begun = time.perf_counter()
        prompt_id = await direct.submit(make_no_op())
        submits.append((time.perf_counter() - begun) * 1000)
        accepted_at[prompt_id] = time.time()
        return prompt_id

    begun = time.perf_counter()
    prompt_ids = await _send(count, submit)
    outputs = [(await direct.wait(prompt_id))[0] for prompt_id in prompt_ids]
    ran = time.perf_counter() - begun
    pictures = await _in_parallel([partial(direct.download, one) for one in outputs])
    fetched = time.perf_counter() - begun
    assert len(pictures) == count
    gaps = list_gaps_ms(await _list_executions(place), accepted_at)
    return _Burst(count / ran, count / fetched, gaps, submits)


async def _burst(place: Place, count: int) -> _Burst:
    customer, submits = place.customer, list[float]()

    async def submit() -> str:
        begun = time.perf_counter()
        job_id = await customer.submit(make_no_op())
        submits.append((time.perf_counter() - begun) * 1000)
        return job_id

    started_at, begun = time.time(), time.perf_counter()
    job_ids = await _send(count, submit)
    for job_id in job_ids:
        await customer.follow(job_id)
    jobs = await _in_parallel([partial(customer.get, one) for one in job_ids])
    pictures = await _in_parallel([partial(customer.download, one) for one in jobs])
    fetched = time.perf_counter() - begun
    assert sum(map(len, pictures)) == count
    ran = max(_read(job["finished_at"]) for job in jobs) - started_at
    accepted_at = {make_attempt_id(job["job_id"], 1): _read(job["created_at"]) for job in jobs}
    gaps = list_gaps_ms(await _list_executions(place), accepted_at)
    return _Burst(count / ran, count / fetched, gaps, submits)


async def _send(count: int, submit: Callable[[], Awaitable[str]]) -> list[str]:
    return await _in_parallel([submit] * count)


async def _in_parallel(calls: list[Callable[[], Awaitable[Any]]]) -> list[Any]:
    gate = asyncio.Semaphore(_SENDERS)

    async def call(one: Callable[[], Awaitable[Any]]) -> Any:
        async with gate:
            return await one()

    return list(await asyncio.gather(*(call(one) for one in calls)))


async def _list_executions(place: Place) -> list[dict[str, Any]]:
    if place.is_engine:
        return place.house.executions()
    return list_runs(await place.direct.get_history())


def _read(instant: str) -> float:
    return datetime.fromisoformat(instant).timestamp()
