"""The crew of a worker: it looks for steps that are due and works on a few of each at a time."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.adapters.postgres.database import Database, DatabaseUnavailable
from comfyhoused.creator.edits.claiming import (
    MOST_SETBACKS,
    Claim,
    LeaseGone,
    count_tries,
    note_setback,
    postpone,
    renew,
)
from comfyhoused.creator.edits.due import find_steps_due
from comfyhoused.kit.errors import (
    ComfyhouseError,
    Problem,
    TooManyRequests,
    Unavailable,
    make_problem,
)
from comfyhoused.kit.ids import make_id
from comfyhoused.kit.log import get_logger

log = get_logger(__name__)

_PAUSE_SECONDS = 0.4
#: After so many looks at nothing it looks less often.
_QUIET_LOOKS = 25
_QUIET_SECONDS = 1.0
_AWAY_SECONDS = 2.0
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 600.0
_LAST_WORDS_SECONDS = 2.0

Claiming = Callable[[AsyncSession, str, float, int], Awaitable[list[Claim]]]
Act = Callable[[Claim], Awaitable[None]]
GiveUp = Callable[[Claim, Problem], Awaitable[bool]]


class StepBroke(ComfyhouseError):
    """A fault of ours stopped it every time."""

    code = "step_broke"
    title = "Something broke on our side"
    retryable = True


@dataclass(frozen=True, slots=True)
class Step:
    """One kind of work on rows: how they are taken, what is done, and how it is given up.

    `act` raises Unavailable (or TooManyRequests) to be called again for as long as it takes, what
    else is `retryable` to be called again a few times, any other ComfyhouseError to be given up;
    `give_up` tells whether it was, else it is tried again.
    """

    name: str
    places: int
    claim: Claiming
    act: Act
    give_up: GiveUp


@dataclass(slots=True)
class Crew:
    """Works on the steps until it is canceled; then it lets go of what it holds."""

    database: Database
    name: str
    lease_seconds: float
    steps: list[Step]
    _busy: dict[str, set[asyncio.Task[None]]] = field(default_factory=dict)
    _held: dict[asyncio.Task[None], Claim] = field(default_factory=dict)
    _bell: asyncio.Event = field(default_factory=asyncio.Event)
    _looks: int = 0

    async def work(self) -> None:
        """Look and work on; never returns."""
        try:
            while True:
                await self._pause(await self._look())
        finally:
            await self._leave()

    async def _look(self) -> float:
        """Take what is due; returns how long to wait until the next look."""
        try:
            async with self.database.begin() as session:
                due = await find_steps_due(session)
            self._looks = 0 if due or self._held else self._looks + 1
            for step in self.steps:
                if step.name in due:
                    await self._take(step)
        except DatabaseUnavailable as error:
            log.warning("edits wait: %s", error.detail)
            return _AWAY_SECONDS
        except Exception:  # the border of a chore: the worker's other chores go on
            log.exception("looking for edits met a fault of ours")
            return _AWAY_SECONDS
        return _PAUSE_SECONDS if self._looks < _QUIET_LOOKS else _QUIET_SECONDS

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._bell.wait()
        self._bell.clear()

    async def _take(self, step: Step) -> None:
        busy = self._busy.setdefault(step.name, set())
        free = step.places - len(busy)
        if free <= 0:
            return
        holder = f"{self.name}/{make_id('hold', 12)}"
        async with self.database.begin() as session:
            claims = await step.claim(session, holder, self.lease_seconds, free)
        for claim in claims:
            task = asyncio.create_task(self._do(step, claim))
            busy.add(task)
            self._held[task] = claim
            task.add_done_callback(lambda done, busy=busy: self._note_done(done, busy))  # type: ignore[misc]

    def _note_done(self, task: asyncio.Task[None], busy: set[asyncio.Task[None]]) -> None:
        busy.discard(task)
        self._held.pop(task, None)
        self._bell.set()  # what follows on this step is due now

    async def _do(self, step: Step, claim: Claim) -> None:
        try:
            await self._do_held(step, claim)
        except LeaseGone:
            log.info("%s of %s went to somebody else", step.name, claim.id)
        except DatabaseUnavailable:
            log.warning("%s of %s waits for the database", step.name, claim.id)
        except Exception:  # the border of a task: its row is due again when the lease is over
            log.exception("%s of %s met a fault of ours", step.name, claim.id)

    async def _do_held(self, step: Step, claim: Claim) -> None:
        try:
            await self._act_renewing(step, claim)
        except DatabaseUnavailable:
            raise
        except ComfyhouseError as error:
            log.info("%s of %s: %s (%s)", step.name, claim.id, error.detail, error.code)
            if error.retryable and isinstance(error, Unavailable | TooManyRequests):
                await self._try_later(claim, _read_wait(error))
            else:
                await self._fall_back(step, claim, error)
        except LeaseGone:
            raise
        except Exception:  # the border of a step: one photo must not stop the others
            log.exception("%s of %s met a fault of ours", step.name, claim.id)
            await self._fall_back(step, claim, StepBroke("We are told of it."))

    async def _fall_back(self, step: Step, claim: Claim, error: ComfyhouseError) -> None:
        """Give the row up, but for what may go better the next time: that is tried a few times."""
        is_over = not error.retryable or await note_setback(self.database, claim) >= MOST_SETBACKS
        if not (is_over and await step.give_up(claim, make_problem(error))):
            await self._try_later(claim, None)

    async def _act_renewing(self, step: Step, claim: Claim) -> None:
        """Do the step; stop it when somebody else has the row."""
        act = asyncio.ensure_future(step.act(claim))
        try:
            while not (await asyncio.wait({act}, timeout=self.lease_seconds / 3))[0]:
                try:
                    await renew(self.database, claim, self.lease_seconds)
                except DatabaseUnavailable:
                    continue
                except LeaseGone:  # most often it has just let go of the row itself
                    if not (await asyncio.wait({act}, timeout=_LAST_WORDS_SECONDS))[0]:
                        raise
            await act
        finally:
            if not act.done():
                act.cancel()
                await asyncio.gather(act, return_exceptions=True)

    async def _try_later(self, claim: Claim, seconds: float | None) -> None:
        if seconds is None:
            tries = await count_tries(self.database, claim)
            seconds = min(_FIRST_PAUSE_SECONDS * 2 ** max(0, tries - 1), _LONGEST_PAUSE_SECONDS)
            seconds *= random.uniform(0.75, 1.25)  # noqa: S311  only so that not all come at once
        await postpone(self.database, claim, seconds)

    async def _leave(self) -> None:
        held = dict(self._held)
        for task in held:
            task.cancel()
        await asyncio.gather(*held, return_exceptions=True)
        with suppress(DatabaseUnavailable):
            for claim in held.values():
                await postpone(self.database, claim, 0)


def _read_wait(error: ComfyhouseError) -> float | None:
    """Return how long the other side asks us to wait, where it does."""
    seconds = getattr(error, "retry_after_seconds", None)
    return float(seconds) if seconds else None
