"""Random orders of everything that may happen to jobs: the table of moves and the books hold."""

import asyncio
import uuid

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from comfyhoused.adapters.redis.client import Store, open_store
from comfyhoused.core.jobs.assignment import (
    Assignment,
    LeaseLost,
    adopt,
    finish,
    release,
    requeue,
    start,
)
from comfyhoused.core.jobs.cancel import cancel_job
from comfyhoused.core.jobs.counting import count_queue
from comfyhoused.core.jobs.record import find_job
from comfyhoused.core.jobs.settlement import Ending, read_outbox, settle
from comfyhoused.core.jobs.states import MOVES, JobState
from tests.job_desks import admit_job, claim_next, make_desk

WHICH = st.integers(0, 10_000)  # not drawn from the lists themselves, whose order time may change
OWNERS = ("account:a", "account:b")
#: As many jobs of the second owner are at work at once.
CAP = 2
SLOTS = 3


class Jobs(RuleBasedStateMachine):
    """Workers, customers and settlement act in any order; stale workers never stop trying."""

    url = ""

    @initialize()
    def begin(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.store: Store = open_store(self.url)
        self.loop.run_until_complete(self.store.flushdb())
        self.seen: dict[str, JobState] = {}
        self.owner_of: dict[str, str] = {}
        self.held: list[Assignment] = []
        self.ends: dict[str, int] = {}

    def do(self, action):
        return self.loop.run_until_complete(action)

    @rule(owner=st.sampled_from(OWNERS))
    def admit(self, owner: str) -> None:
        # Ids that are the same in every run: hypothesis repeats what it has found.
        job_id = str(uuid.uuid5(uuid.NAMESPACE_OID, str(len(self.seen))))
        cap = CAP if owner == OWNERS[1] else 0
        self.do(admit_job(self.store, owner, units=1, job_id=job_id, concurrency=cap))
        self.seen[job_id], self.owner_of[job_id] = JobState.QUEUED, owner

    @rule(worker=st.sampled_from("ab"))
    def claim(self, worker: str) -> None:
        assignment = self.do(claim_next(self.store, make_desk(worker=worker, slots=SLOTS)))
        if assignment is not None:
            self.held.append(assignment)
        else:
            self._check_nobody_could_run()

    def _check_nobody_could_run(self) -> None:
        """Nothing was given out: the slots are taken, or whoever waits has enough at work."""
        waiting = [
            owner for owner in OWNERS if self.do(self.store.zcard(f"ch:1:queue:live:free:{owner}"))
        ]
        taken = self.do(self.store.scard("ch:1:backend:one:slots"))
        assert taken >= SLOTS or set(waiting) <= {OWNERS[1]}
        if taken < SLOTS and waiting:
            assert self.do(self.store.scard(f"ch:1:owner:{OWNERS[1]}:assigned")) == CAP

    @precondition(lambda self: self.held)
    @rule(which=WHICH, verb=st.sampled_from(["start", "succeed", "fail", "requeue", "die"]))
    def write(self, which: int, verb: str) -> None:
        assignment = self.held[which % len(self.held)]
        try:
            self.do(self._write(assignment, verb))
        except LeaseLost:
            self.held.remove(assignment)

    async def _write(self, assignment: Assignment, verb: str) -> None:
        if verb == "start":
            await start(self.store, assignment)
        elif verb in ("requeue", "die"):
            await requeue(self.store, assignment, is_blamed=verb == "die")
        else:
            state = JobState.SUCCEEDED if verb == "succeed" else JobState.FAILED
            await finish(self.store, assignment, state)

    @precondition(lambda self: self.held)
    @rule(which=WHICH)
    def lose_worker(self, which: int) -> None:
        lost = self.held[which % len(self.held)]
        self.do(release(self.store, [lost]))
        adopted = self.do(adopt(self.store, "worker_c", ["one"], 8000, 50))
        self.held.extend(assignment for _, assignment in adopted)

    @precondition(lambda self: self.seen)
    @rule(which=WHICH)
    def cancel(self, which: int) -> None:
        job_id = list(self.seen)[which % len(self.seen)]
        self.do(cancel_job(self.store, self.owner_of[job_id], job_id))

    @rule()
    def settle(self) -> None:
        async def handle(ending: Ending) -> None:
            self.ends[ending.job_id] = self.ends.get(ending.job_id, 0) + 1
            verb = "settle" if ending.state is JobState.SUCCEEDED else "release"
            for _ in range(2):  # an entry may be handled twice
                await settle(self.store, ending.owner, ending.job_id, verb, 1)

        self.do(read_outbox(self.store, "test", "reader", handle, idle_ms=0))

    @invariant()
    def moves_are_allowed_and_terminal_is_final(self) -> None:
        for job_id, before in self.seen.items():
            job = self.do(find_job(self.store, job_id))
            assert job is not None
            # Between two looks one rule ran; a finish may pass through `running`.
            is_short = before is JobState.QUEUED and job.state is JobState.SUCCEEDED
            assert job.state is before or job.state in MOVES[before] or is_short
            self.seen[job_id] = job.state

        self._check_places()

    def _check_places(self) -> None:
        """Every job is in exactly one place, and was settled at most once."""
        counts = self.do(count_queue(self.store))
        ended = sum(state.is_terminal for state in self.seen.values())
        assert (counts.waiting + counts.assigned, counts.finished) == (
            len(self.seen) - ended,
            ended,
        )
        assert self.do(self.store.scard("ch:1:backend:one:slots")) == counts.assigned
        at_work = [self.do(self.store.scard(f"ch:1:owner:{owner}:assigned")) for owner in OWNERS]
        assert sum(at_work) == counts.assigned
        assert at_work[1] <= CAP
        assert all(count == 1 for count in self.ends.values())

    def teardown(self) -> None:
        if not hasattr(self, "loop"):
            return
        self.settle()
        for owner in OWNERS:
            mine = [one for one, of in self.owner_of.items() if of == owner]
            used = self.do(self.store.hgetall(f"ch:1:usage:{owner}"))
            won = sum(self.seen[one] is JobState.SUCCEEDED for one in mine)
            waiting = sum(not self.seen[one].is_terminal for one in mine)
            assert int(used.get("settled", 0)) == won
            assert int(used.get("reserved", 0)) == waiting
        self.do(self.store.aclose())
        self.loop.close()


@pytest.mark.parametrize(
    "runs", [pytest.param(25, id="tenth"), pytest.param(250, marks=pytest.mark.soak, id="full")]
)
def test_jobs_in_any_order(valkey_url: str, runs: int) -> None:
    """1,000 operations, and 10,000 in the soak."""
    machine = type("Machine", (Jobs,), {"url": valkey_url})
    machine.TestCase.settings = settings(
        max_examples=runs,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    machine.TestCase().runTest()
