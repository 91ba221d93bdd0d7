"""Every write about a job, on a real Valkey: terminal is final, a stale hand writes nothing."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from comfyhoused.adapters.redis.client import Store, open_store
from comfyhoused.core.jobs.admission import Application, admit
from comfyhoused.core.jobs.assignment import (
    Assignment,
    Desk,
    LeaseLost,
    adopt,
    claim,
    finish,
    release,
    renew,
    requeue,
    start,
)
from comfyhoused.core.jobs.cancel import cancel_job
from comfyhoused.core.jobs.events import list_events
from comfyhoused.core.jobs.states import MOVES, JobState
from comfyhoused.core.jobs.sweep import sweep_deadlines
from comfyhoused.kit.ids import make_job_id

OWNER = "account:alice"
ENDINGS = [state for state in JobState if state.is_terminal]


@pytest.fixture
async def store(valkey_url: str) -> AsyncIterator[Store]:
    client = open_store(valkey_url)
    await client.flushdb()
    yield client
    await client.aclose()


def make_application(**more: object) -> Application:
    fields = {"plan_class": "free", "kind": "workflow", "spec": {"graph": {}}} | more
    return Application(make_job_id(), OWNER, "live", **fields)  # type: ignore[arg-type]


def make_desk(worker: str = "worker_a", backend: str = "engine", lease_ms: int = 60_000) -> Desk:
    return Desk(backend, worker, f"client of {worker}", ["live"], 2, lease_ms)


async def take(store: Store, desk: Desk) -> Assignment:
    claimed = await claim(store, desk, booked_ms=1000)
    assert claimed is not None
    return claimed.assignment


async def read(store: Store, job_id: str) -> dict[str, str]:
    return dict(await store.hgetall(f"ch:1:job:{job_id}"))


async def refuse(act: Awaitable[object]) -> None:
    with pytest.raises(LeaseLost):
        await act


def list_writes(store: Store, one: Assignment) -> list[Callable[[], Awaitable[object]]]:
    """Every write that a driver of this assignment can try."""
    return [
        lambda: start(store, one),
        *(lambda state=state: finish(store, one, state) for state in ENDINGS),
        lambda: requeue(store, one, is_blamed=False),
        lambda: requeue(store, one, is_blamed=True, delay_seconds=5),
    ]


@pytest.mark.parametrize("ending", ENDINGS)
async def test_terminal_is_final(store: Store, ending: JobState) -> None:
    job_id = (await admit(store, make_application())).job_id
    if ending is JobState.EXPIRED:
        await store.zadd("ch:1:deadlines", {job_id: 1})
        assert await sweep_deadlines(store) == (1, 0)
        one = Assignment(job_id, 1, 1, "client", is_adopted=False)
    else:
        one = await take(store, make_desk())
        await start(store, one)
        assert await finish(store, one, ending) is ending
    before = await read(store, job_id)
    events = await store.xlen(f"ch:1:job:{job_id}:events")
    assert before["state"] == ending.value

    for write in list_writes(store, one):
        await refuse(write())
    assert (await cancel_job(store, OWNER, job_id)).state is ending
    assert await renew(store, [one], 1000) == ({job_id}, set())
    assert await release(store, [one]) == 0
    assert await adopt(store, "worker_b", ["engine"], 1000, 10) == []
    assert await claim(store, make_desk("worker_b"), booked_ms=1) is None
    await store.zadd("ch:1:deadlines", {job_id: 1})
    await store.zadd("ch:1:delayed", {job_id: 1})
    assert await sweep_deadlines(store) == (0, 0)

    assert await read(store, job_id) == before
    assert await store.xlen(f"ch:1:job:{job_id}:events") == events
    assert await store.xlen("ch:1:outbox") == 1


async def test_a_stale_hand_writes_nothing(store: Store) -> None:
    job_id = (await admit(store, make_application())).job_id
    old = await take(store, make_desk(lease_ms=0))
    ((backend, new),) = await adopt(store, "worker_b", ["engine"], 60_000, 10)
    assert (backend, new.attempt, new.is_adopted) == ("engine", old.attempt, True)
    assert new.fence > old.fence
    before = await read(store, job_id)

    for write in list_writes(store, old):
        await refuse(write())
    assert await renew(store, [old], 1000) == ({job_id}, set())
    assert await release(store, [old]) == 0

    assert await read(store, job_id) == before
    assert await finish(store, new, JobState.SUCCEEDED) is JobState.SUCCEEDED


async def test_a_job_is_adopted_once(store: Store) -> None:
    for _ in range(2):
        await admit(store, make_application())
        await take(store, make_desk(lease_ms=0))

    first = await adopt(store, "worker_b", ["engine"], 60_000, 10)
    second = await adopt(store, "worker_c", ["engine"], 60_000, 10)

    assert (len(first), second) == (2, [])


async def test_an_accepted_cancellation_wins_over_a_later_success(store: Store) -> None:
    job_id = (await admit(store, make_application())).job_id
    one = await take(store, make_desk())
    await start(store, one)
    assert (await cancel_job(store, OWNER, job_id)).is_canceling

    assert await renew(store, [one], 60_000) == (set(), {job_id})
    assert await finish(store, one, JobState.SUCCEEDED) is JobState.CANCELED

    assert "outputs" not in await read(store, job_id)


async def test_a_run_too_short_for_its_start_to_be_written_is_told_all_the_same(
    store: Store,
) -> None:
    job_id = (await admit(store, make_application())).job_id
    assert await finish(store, await take(store, make_desk()), JobState.SUCCEEDED)

    told = [event.type for event in await list_events(store, job_id)]
    assert told == ["job.queued", "job.running", "job.succeeded"]


async def test_a_canceled_job_is_not_tried_again(store: Store) -> None:
    job_id = (await admit(store, make_application())).job_id
    one = await take(store, make_desk())
    await cancel_job(store, OWNER, job_id)

    assert await requeue(store, one, is_blamed=False) == "canceled"
    assert await claim(store, make_desk(), booked_ms=1) is None


async def test_attempt_and_fence_rise_and_slots_are_given_back(store: Store) -> None:
    await admit(store, make_application())
    fences = []
    for number in range(1, 4):
        one = await take(store, make_desk())
        assert one.attempt == number
        fences.append(one.fence)
        assert await store.scard("ch:1:backend:engine:slots") == 1
        assert await requeue(store, one, is_blamed=False) == "queued"
        assert await store.scard("ch:1:backend:engine:slots") == 0

    assert fences == sorted(set(fences))


async def test_two_deaths_are_poisonous(store: Store) -> None:
    await admit(store, make_application())
    verdicts = []
    for _ in range(2):
        one = await take(store, make_desk())
        await start(store, one)
        verdicts.append(await requeue(store, one, is_blamed=True))

    assert verdicts == ["queued", "poisonous"]


async def test_no_more_than_the_slots_are_given_out(store: Store) -> None:
    """Whichever workers ask: two at each backend, and a slot that was left is free."""
    for _ in range(6):
        await admit(store, make_application())
    desks = [make_desk(f"worker_{number}") for number in range(3)]
    taken = [await claim(store, desk, booked_ms=1) for desk in desks for _ in range(2)]

    held = [one.assignment for one in taken if one is not None]
    assert len(held) == 2
    other = await claim(store, make_desk("worker_9", backend="other"), booked_ms=1)
    assert other is not None
    left = await claim(store, desks[0], booked_ms=1, ended=[held[0].job_id])
    assert left is not None


async def test_a_staged_job_expires_when_it_is_taken_back(store: Store) -> None:
    application = make_application(expires_in_seconds=0)
    await admit(store, application)
    one = await take(store, make_desk())

    assert await sweep_deadlines(store) == (0, 0), "its holder has to take it back first"
    assert await requeue(store, one, is_blamed=False) == "expired"

    assert (await read(store, application.job_id))["state"] == "expired"


async def test_a_job_that_has_begun_once_does_not_expire(store: Store) -> None:
    application = make_application(expires_in_seconds=0)
    await admit(store, application)
    for _ in range(2):
        one = await take(store, make_desk())
        await start(store, one)
        assert await requeue(store, one, is_blamed=False) == "queued"
        one = await take(store, make_desk())
        assert await requeue(store, one, is_blamed=False) == "queued"

    assert await sweep_deadlines(store) == (0, 0)


def test_the_table_of_moves_has_no_way_out_of_an_ending() -> None:
    assert {state for state in JobState if not MOVES[state]} == set(ENDINGS)
    assert all(target in MOVES for targets in MOVES.values() for target in targets)
