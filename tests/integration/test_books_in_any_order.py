"""Random orders of all that happens to the books: the ledger is what was delivered, always."""

import asyncio
import uuid
from collections import Counter
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from comfyhoused.adapters.redis.client import Store, open_store
from comfyhoused.adapters.storage.local import LocalStorage
from comfyhoused.api.ledger import read_entries
from comfyhoused.core.jobs.admission import QuotaExceeded
from comfyhoused.core.jobs.assignment import finish
from comfyhoused.core.jobs.books import make_books_key, read_usage
from comfyhoused.core.jobs.cancel import cancel_job
from comfyhoused.core.jobs.closing import close_books
from comfyhoused.core.jobs.settlement import Ending, read_outbox, settle
from comfyhoused.core.jobs.states import JobState
from tests.job_desks import admit_job, claim_next, make_desk

WHICH = st.integers(0, 10_000)
OWNERS = ("account:a", "account:b")
MONTHS = ("2026-01", "2026-02", "2026-03")
LIMIT = 20


class Booked:
    """What the test itself knows of a job: where it is booked, and what it may cost."""

    def __init__(self, owner: str, month: str, units: int) -> None:
        self.books = (owner, month)
        self.units = units
        self.charged: int | None = None  # None: still reserved


class Books(RuleBasedStateMachine):
    """Customers, workers and settlements, also twice, late, at once and over the month's end."""

    url = ""
    folder = Path()

    @initialize()
    def begin(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.store: Store = open_store(self.url)
        self.storage = LocalStorage(self.folder / uuid.uuid4().hex, b"a secret")
        self.do(self.store.flushdb())
        self.month = 0
        self.asked = 0
        self.jobs: dict[str, Booked] = {}
        self.closed: set[tuple[str, str]] = set()

    def do(self, action: Awaitable[Any]) -> Any:
        return self.loop.run_until_complete(action)

    async def _gather(self, *actions: Awaitable[Any]) -> list[Any]:
        return await asyncio.gather(*actions)

    def get_used(self, books: tuple[str, str]) -> int:
        mine = [one for one in self.jobs.values() if one.books == books]
        return sum(one.units if one.charged is None else one.charged for one in mine)

    @rule(owner=st.sampled_from(OWNERS), units=st.integers(1, 6), racers=st.integers(1, 4))
    def reserve(self, owner: str, units: int, racers: int) -> None:
        """As many are admitted as there is room for, however many ask at once."""
        month = MONTHS[self.month]
        books = (owner, month)
        room = (LIMIT - self.get_used(books)) // units
        # Ids that are the same in every run, and of which none is asked for twice.
        numbers = range(self.asked, self.asked + racers)
        ids = [str(uuid.uuid5(uuid.NAMESPACE_OID, str(number))) for number in numbers]
        self.asked += racers
        answers = self.do(self._gather(*(self._admit(one, owner, month, units) for one in ids)))
        assert answers.count(True) == min(racers, room)
        for job_id, is_admitted in zip(ids, answers, strict=True):
            if is_admitted:
                self.jobs[job_id] = Booked(owner, month, units)

    async def _admit(self, job_id: str, owner: str, month: str, units: int) -> bool:
        try:
            await admit_job(
                self.store,
                owner,
                job_id=job_id,
                units=units,
                limit=LIMIT,
                period=month,
                day=f"{month}-15",
                key_id=f"key_{units}",
                template="t",
                concurrency=3,
            )
        except QuotaExceeded:
            return False
        return True

    @precondition(lambda self: self.jobs)
    @rule(which=WHICH, units=st.integers(-1, 9), is_charge=st.booleans())
    def settle_one(self, which: int, units: int, is_charge: bool) -> None:
        """Whatever is said the second time, the first counts."""
        job_id = list(self.jobs)[which % len(self.jobs)]
        booked = self.jobs[job_id]
        is_first = self.do(self._settle(job_id, "settle" if is_charge else "release", units))
        assert is_first == (booked.charged is None)
        if is_first:
            booked.charged = max(0, min(units, booked.units)) if is_charge else 0

    @precondition(lambda self: self.jobs)
    @rule(which=WHICH, units=st.integers(0, 9))
    def race_to_settle(self, which: int, units: int) -> None:
        job_id = list(self.jobs)[which % len(self.jobs)]
        booked = self.jobs[job_id]
        verbs = ["settle", "release"] * 3
        answers = self.do(self._gather(*(self._settle(job_id, verb, units) for verb in verbs)))
        assert answers.count(True) == (booked.charged is None)
        if booked.charged is None:
            winner = verbs[answers.index(True)]
            booked.charged = min(units, booked.units) if winner == "settle" else 0

    async def _settle(self, job_id: str, verb: Any, units: int) -> bool:
        owner, month = self.jobs[job_id].books
        return await settle(self.store, owner, job_id, verb, units, period=month)

    @rule(count=st.integers(1, 4), state=st.sampled_from([JobState.SUCCEEDED, JobState.FAILED]))
    def work(self, count: int, state: JobState) -> None:
        for _ in range(count):
            assignment = self.do(claim_next(self.store, make_desk(slots=9)))
            if assignment is not None:
                self.do(finish(self.store, assignment, state))

    @precondition(lambda self: self.jobs)
    @rule(which=WHICH)
    def cancel(self, which: int) -> None:
        job_id = list(self.jobs)[which % len(self.jobs)]
        self.do(cancel_job(self.store, self.jobs[job_id].books[0], job_id))

    @rule(is_twice=st.booleans())
    def settle_endings(self, is_twice: bool) -> None:
        async def handle(ending: Ending) -> None:
            booked = self.jobs[ending.job_id]
            assert (ending.owner, ending.period) == booked.books
            assert ending.units == booked.units
            is_delivered = ending.state is JobState.SUCCEEDED
            for _ in range(1 + is_twice):
                verb = "settle" if is_delivered else "release"
                if await self._settle(ending.job_id, verb, ending.units):
                    booked.charged = booked.units if is_delivered else 0

        self.do(read_outbox(self.store, "test", "reader", handle, idle_ms=0))

    @precondition(lambda self: self.month < len(MONTHS) - 1)
    @rule()
    def let_the_month_end(self) -> None:
        self.month += 1

    @precondition(lambda self: self.month > 0)
    @rule(owner=st.sampled_from(OWNERS), which=WHICH)
    def close(self, owner: str, which: int) -> None:
        books = (owner, MONTHS[which % self.month])
        tries = (close_books(self.store, self.storage, *books, {}) for _ in range(2))
        answers = self.do(self._gather(*tries))
        is_open = any(one.books == books and one.charged is None for one in self.jobs.values())
        is_new = books not in self.closed and not is_open
        assert answers.count(True) == is_new, (answers, books)
        if is_new:
            self.closed.add(books)

    @invariant()
    def nothing_is_negative_and_all_adds_up(self) -> None:
        for owner in OWNERS:
            for month in MONTHS[: self.month + 1]:
                self._check(owner, month)

    def _check(self, owner: str, month: str) -> None:
        mine = {key: one for key, one in self.jobs.items() if one.books == (owner, month)}
        usage = self.do(read_usage(self.store, owner, month))
        settled = sum(one.charged or 0 for one in mine.values())
        assert usage.settled == settled
        assert usage.reserved == sum(one.units for one in mine.values() if one.charged is None)
        assert 0 <= usage.settled + usage.reserved <= LIMIT
        for parts in (usage.by_day, usage.by_key, usage.by_template):
            assert sum(parts.values()) == settled
            assert all(units >= 0 for units in parts.values())

    def teardown(self) -> None:
        if not hasattr(self, "loop"):
            return
        for owner in OWNERS:
            for month in MONTHS[: self.month + 1]:
                self._check_ledger(owner, month)
        self.do(self.store.aclose())
        self.loop.close()

    def _check_ledger(self, owner: str, month: str) -> None:
        """The lines say the same as the counts, in Redis or in storage."""
        mine = {key: one for key, one in self.jobs.items() if one.books == (owner, month)}
        entries = self.do(self._read(owner, month))
        verbs = Counter((one.job_id, one.verb == "reserve") for one in entries)
        assert verbs == {
            **{(key, True): 1 for key in mine},
            **{(key, False): 1 for key, one in mine.items() if one.charged is not None},
        }
        charged = {one.job_id: one.units for one in entries if one.verb != "reserve"}
        assert charged == {key: one.charged for key, one in mine.items() if one.charged is not None}
        has_lines = self.do(self.store.exists(make_books_key("ledger", owner, month)))
        assert bool(has_lines) == (bool(mine) and (owner, month) not in self.closed)

    async def _read(self, owner: str, month: str) -> list[Any]:
        return [one async for one in read_entries(self.store, self.storage, owner, month)]


@pytest.mark.parametrize(
    "runs", [pytest.param(25, id="tenth"), pytest.param(250, marks=pytest.mark.soak, id="full")]
)
def test_books_in_any_order(valkey_url: str, tmp_path: Path, runs: int) -> None:
    """1,000 operations, and 10,000 in the soak."""
    machine = type("Machine", (Books,), {"url": valkey_url, "folder": tmp_path})
    machine.TestCase.settings = settings(
        max_examples=runs,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    machine.TestCase().runTest()
