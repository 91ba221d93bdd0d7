"""One no-op job at a time: what the house adds to a run that takes no time itself."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

from bench.figures import Figure, Target, find_median, find_percentile, summarise
from bench.graphs import make_no_op
from bench.place import Place
from bench.stages import Journey, make_stage_figures

_ROUNDS = 3
_JOBS_A_ROUND = 40
_WARM_UP = 10

Measured = dict[str, list[list[float]]]


async def measure_no_op(place: Place, details: dict[str, Any]) -> list[Figure]:
    """Run jobs directly and through the house in turn; returns ratios and what is added."""
    journeys: list[Journey] = []
    ways: dict[str, Callable[[], Awaitable[dict[str, float]]]] = {
        "direct": lambda: _run_directly(place),
        "stream": lambda: _run_by_stream(place, journeys),
    }
    for way in ways.values():
        for _ in range(_WARM_UP):
            await way()
    journeys.clear()
    rounds: Measured = {}
    for _ in range(_ROUNDS):
        taken: dict[str, list[float]] = {}
        for _ in range(_JOBS_A_ROUND):
            for way in ways.values():
                for name, milliseconds in (await way()).items():
                    taken.setdefault(name, []).append(milliseconds)
        for name, values in taken.items():
            rounds.setdefault(name, []).append(values)
    details["no_op"] = {name: [summarise(one) for one in all_] for name, all_ in rounds.items()}
    figures = _make_figures(rounds)
    if place.is_engine:
        figures += make_stage_figures(journeys, place.house.executions())
    return figures


async def _run_directly(place: Place) -> dict[str, float]:
    begun = time.perf_counter()
    pictures = await place.direct.run(make_no_op())
    assert len(pictures) == 1
    return {"direct": _since(begun)}


async def _run_by_stream(place: Place, journeys: list[Journey]) -> dict[str, float]:
    customer, sent_at, begun = place.customer, time.time(), time.perf_counter()
    job_id = await customer.submit(make_no_op())
    accepted = _since(begun)
    await customer.follow(job_id)
    streamed, told_at = _since(begun), time.time()
    job = await customer.get(job_id)
    journeys.append(Journey(sent_at, told_at, job))
    pictures = await customer.download(job)
    assert len(pictures) == 1
    return {"submit": accepted, "stream": streamed, "in hand": _since(begun)}


def _make_figures(rounds: Measured) -> list[Figure]:
    direct = _median(rounds["direct"], 50)
    stream, in_hand = _median(rounds["stream"], 50), _median(rounds["in hand"], 50)
    added = [
        [ours - find_percentile(direct_round, 50) for ours in our_round]
        for our_round, direct_round in zip(rounds["stream"], rounds["direct"], strict=True)
    ]
    return [
        Figure("no-op: direct, picture in hand, p50", "ms", direct),
        Figure("no-op: through the house, until job.succeeded, p50", "ms", stream),
        Figure("no-op: ratio by stream, p50", "×", stream / direct, Target(1.5)),
        Figure("no-op: ratio with the picture downloaded, p50", "×", in_hand / direct, Target(1.5)),
        Figure("no-op: added by stream, p50", "ms", _median(added, 50), Target(25)),
        Figure("no-op: added by stream, p95", "ms", _median(added, 95), Target(75)),
        Figure("durable submit answer, p50", "ms", _median(rounds["submit"], 50)),
        Figure("durable submit answer, p95", "ms", _median(rounds["submit"], 95), Target(30)),
    ]


def _median(rounds: list[list[float]], percent: float) -> float:
    return find_median([find_percentile(one, percent) for one in rounds])


def _since(begun: float) -> float:
    return (time.perf_counter() - begun) * 1000
