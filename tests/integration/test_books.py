"""The books of an owner, on a real Valkey: reserved, settled, released; by day, key, template."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from comfyhoused.adapters.redis.client import Store, open_store
from comfyhoused.adapters.storage.local import LocalStorage
from comfyhoused.api.ledger import read_entries, write_csv, write_jsonl
from comfyhoused.core.files.sweep import sweep_files
from comfyhoused.core.jobs.admission import QuotaExceeded, TooManyJobs
from comfyhoused.core.jobs.assignment import finish
from comfyhoused.core.jobs.books import list_periods, make_books_key, read_ledger, read_usage
from comfyhoused.core.jobs.closing import close_books, list_open_books
from comfyhoused.core.jobs.record import find_job
from comfyhoused.core.jobs.settlement import Ending, read_outbox, settle
from comfyhoused.core.jobs.states import JobState
from tests.job_desks import admit_job, claim_next

OWNER = "account:a"
MONTH = "2026-10"


@pytest.fixture
async def store(valkey_url: str) -> AsyncIterator[Store]:
    client = open_store(valkey_url)
    await client.flushdb()
    yield client
    await client.aclose()


async def admit(store: Store, units: int = 1, **more: Any) -> str:
    fields = {"period": MONTH, "day": f"{MONTH}-07", "key_id": "key_1", "template": "upscale"}
    return await admit_job(store, OWNER, units=units, **{**fields, **more})


async def charge(store: Store, job_id: str, units: int = 1, period: str = MONTH) -> bool:
    return await settle(store, OWNER, job_id, "settle", units, period=period)


async def give_back(store: Store, job_id: str) -> bool:
    return await settle(store, OWNER, job_id, "release", 0, period=MONTH)


async def list_verbs(store: Store) -> list[tuple[str, int]]:
    return [(one.verb, one.units) async for one in read_ledger(store, OWNER, MONTH)]


async def test_a_month_is_counted_by_day_key_and_template(store: Store) -> None:
    first = await admit(store, 3)
    second = await admit(store, 2, day=f"{MONTH}-08", key_id="key_2", template="text-to-image")
    third = await admit(store, 5)
    assert (await read_usage(store, OWNER, MONTH)).reserved == 10

    assert await charge(store, first, 3)
    assert await charge(store, second, 2)
    assert await give_back(store, third)

    usage = await read_usage(store, OWNER, MONTH)
    assert (usage.settled, usage.reserved, usage.jobs) == (5, 0, 2)
    assert usage.by_day == {f"{MONTH}-07": 3, f"{MONTH}-08": 2}
    assert usage.by_key == {"key_1": 3, "key_2": 2}
    assert usage.by_template == {"text-to-image": 2, "upscale": 3}
    assert await list_periods(store, OWNER) == [MONTH]
    assert await list_verbs(store) == [
        ("reserve", 3),
        ("reserve", 2),
        ("reserve", 5),
        ("settle", 3),
        ("settle", 2),
        ("release", 0),
    ]
    assert (await read_usage(store, OWNER, "2026-11")).settled == 0


async def test_a_charge_is_made_once_and_never_more_than_was_reserved(store: Store) -> None:
    job_id = await admit(store, 3)
    answers = await asyncio.gather(
        *(charge(store, job_id, 50) for _ in range(20)),
        *(give_back(store, job_id) for _ in range(20)),
    )
    assert answers.count(True) == 1
    usage = await read_usage(store, OWNER, MONTH)
    assert (usage.settled, usage.reserved) in ((3, 0), (0, 0))
    assert len(await list_verbs(store)) == 2


async def test_less_than_reserved_may_be_charged_and_the_job_says_so(store: Store) -> None:
    job_id = await admit(store, 8)
    await charge(store, job_id, 2)
    job = await find_job(store, job_id)
    assert job is not None
    assert (job.reserved_units, job.charged_units) == (8, 2)
    assert (await read_usage(store, OWNER, MONTH)).by_key == {"key_1": 2}


async def test_a_negative_charge_is_none(store: Store) -> None:
    job_id = await admit(store, 2)
    await charge(store, job_id, -5)
    usage = await read_usage(store, OWNER, MONTH)
    assert (usage.settled, usage.reserved) == (0, 0)


async def test_a_job_of_last_month_is_settled_into_last_month(store: Store) -> None:
    """Its outbox row carries the month, whatever the day on which it ends."""
    await admit(store, 4, day=f"{MONTH}-31")
    claimed = await claim_next(store)
    assert claimed is not None
    await finish(store, claimed, JobState.FAILED)
    seen: list[Ending] = []

    async def handle(ending: Ending) -> None:
        seen.append(ending)

    await read_outbox(store, "test", "reader", handle, idle_ms=0)
    assert [(one.period, one.kind, one.units) for one in seen] == [(MONTH, "workflow", 4)]


async def test_a_reservation_of_before_there_were_months_is_settled(store: Store) -> None:
    job_id = "00000000-0000-4000-8000-000000000001"
    await store.hset(f"ch:1:usage:{OWNER}", "reserved", "3")
    await store.hset(f"ch:1:charges:{OWNER}", job_id, "reserved:3")
    assert await charge(store, job_id, 3, period="")
    assert not await charge(store, job_id, 3, period="")
    assert await store.hgetall(f"ch:1:charges:{OWNER}") == {job_id: "settled:3"}
    assert await store.hmget(f"ch:1:usage:{OWNER}", "reserved", "settled") == ["0", "3"]


async def test_of_fifty_racers_at_the_limit_one_is_admitted(store: Store) -> None:
    await store.hset(make_books_key("usage", OWNER, MONTH), "settled", "9")

    async def apply() -> bool:
        try:
            await admit(store, limit=10)
        except QuotaExceeded:
            return False
        return True

    assert (await asyncio.gather(*(apply() for _ in range(50)))).count(True) == 1
    assert (await read_usage(store, OWNER, MONTH)).reserved == 1


async def test_what_is_left_is_told_and_a_smaller_job_still_fits(store: Store) -> None:
    await admit(store, 7, limit=10)
    with pytest.raises(QuotaExceeded) as refusal:
        await admit(store, 4, limit=10)
    assert refusal.value.units_left == 3
    await admit(store, 3, limit=10)
    await admit(store, 4, limit=10, period="2026-11")


async def test_the_line_takes_so_many_jobs_and_no_more(store: Store) -> None:
    async def apply() -> bool:
        try:
            await admit(store, most_waiting=5)
        except TooManyJobs:
            return False
        return True

    assert (await asyncio.gather(*(apply() for _ in range(20)))).count(True) == 5
    await claim_next(store)
    assert await apply()
    assert not await apply()


# Closing a month.


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "files", b"a secret")


async def list_objects(storage: LocalStorage) -> list[str]:
    return [key async for key in storage.list_keys("ledgers")]


async def read_text(parts: AsyncIterator[bytes]) -> str:
    return b"".join([part async for part in parts]).decode()


async def test_a_closed_month_reads_as_before_from_storage(
    store: Store, storage: LocalStorage
) -> None:
    for units in range(1, 6):
        await charge(store, await admit(store, units), units)
    before = await read_usage(store, OWNER, MONTH)
    lines = await read_text(write_jsonl(read_entries(store, storage, OWNER, MONTH)))
    table = await read_text(write_csv(read_entries(store, storage, OWNER, MONTH)))
    assert (lines.count("\n"), table.count("\r\n")) == (10, 11)

    assert await list_open_books(store, "2026-11", start=0, most=9) == [(OWNER, MONTH)]
    assert await list_open_books(store, MONTH, start=0, most=9) == []
    assert await close_books(store, storage, OWNER, MONTH, {"plan": "pro"})

    after = await read_usage(store, OWNER, MONTH)
    assert (after.settled, after.by_day, after.by_key) == (15, before.by_day, before.by_key)
    assert (after.closing["plan"], [after.ledger_object]) == ("pro", await list_objects(storage))
    assert await read_text(write_jsonl(read_entries(store, storage, OWNER, MONTH))) == lines
    assert await read_text(write_csv(read_entries(store, storage, OWNER, MONTH))) == table
    for kind in ("ledger", "charges"):
        assert not await store.exists(make_books_key(kind, OWNER, MONTH))
    assert await list_open_books(store, "2026-11", start=0, most=9) == []
    assert await store.zcard("ch:1:files:doomed") == 0


async def test_a_month_with_a_job_that_goes_on_stays_open(
    store: Store, storage: LocalStorage
) -> None:
    job_id = await admit(store)
    assert not await close_books(store, storage, OWNER, MONTH, {})
    await charge(store, job_id)
    assert await close_books(store, storage, OWNER, MONTH, {})
    assert not await charge(store, job_id)


async def test_a_month_is_closed_once_whoever_tries(store: Store, storage: LocalStorage) -> None:
    for _ in range(30):
        await charge(store, await admit(store))
    tries = [close_books(store, storage, OWNER, MONTH, {}) for _ in range(8)]
    assert (await asyncio.gather(*tries)).count(True) == 1

    (kept,) = await list_objects(storage)
    assert kept == (await read_usage(store, OWNER, MONTH)).ledger_object
    entries = [one async for one in read_entries(store, storage, OWNER, MONTH)]
    assert len(entries) == 60


class _Dying(LocalStorage):
    """A store whose user dies when the object is written and nothing else is."""

    async def put(self, *arguments: Any, **more: Any) -> Any:
        await super().put(*arguments, **more)
        raise ConnectionAbortedError


async def test_who_dies_while_closing_leaves_the_month_as_it_was(
    store: Store, storage: LocalStorage, tmp_path: Path
) -> None:
    await charge(store, await admit(store))
    with pytest.raises(ConnectionAbortedError):
        await close_books(store, _Dying(tmp_path / "files", b"a secret"), OWNER, MONTH, {})
    (stray,) = await list_objects(storage)
    assert len([one async for one in read_ledger(store, OWNER, MONTH)]) == 2

    assert await close_books(store, storage, OWNER, MONTH, {})
    await store.zadd("ch:1:files:doomed", {stray: 1})  # its hour is over
    await sweep_files(store, storage)
    assert await list_objects(storage) == [(await read_usage(store, OWNER, MONTH)).ledger_object]
