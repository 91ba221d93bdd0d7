"""Creator charges once, for what was delivered, and never lets anybody past a limit."""

import asyncio
import sys
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from comfyhoused.adapters.postgres.database import Database, open_database
from comfyhoused.creator.ledger import (
    OverageCapReached,
    PlanUsedUp,
    UserGone,
    credit,
    get_usage,
    release,
    reserve,
    settle,
)
from comfyhoused.creator.plans import CreatorPlanBook
from comfyhoused.creator.tables import Entry, Notification, User
from comfyhoused.creator.usage import Usage
from comfyhoused.creator.user_list import set_plan
from comfyhoused.kit.periods import get_period
from tests.creator_books import list_book_faults
from tests.creator_sign_in import create_user
from tests.postgres import TestPostgres

OURS = CreatorPlanBook.load()
CREATOR = OURS.get("creator")
#: Ours, but Creator's includes few, so that what comes after them is soon there.
PLANS = CreatorPlanBook(
    {
        "creator": CREATOR.model_copy(update={"included": 5}),
        "large": CREATOR.model_copy(update={"name": "large", "included": 50}),
        "free": OURS.get("free"),
    }
)
FREE = PLANS.get("free").included


async def take(database: Database, user: User, edit_id: str, number: int = 1) -> bool:
    async with database.begin() as session:
        return await reserve(session, PLANS, user.id, edit_id, number)


async def charge(database: Database, edit_id: str, number: int = 1) -> bool:
    async with database.begin() as session:
        return await settle(session, PLANS, edit_id, number)


async def give_back(database: Database, edit_id: str, number: int = 1) -> bool:
    async with database.begin() as session:
        return await release(session, edit_id, number, "failed")


async def make_good(database: Database, edit_id: str, number: int = 1) -> bool:
    async with database.begin() as session:
        return await credit(session, PLANS, edit_id, number, "looks wrong")


async def read(database: Database, user: User, at: datetime | None = None) -> Usage:
    async with database.begin() as session:
        fresh = await session.get_one(User, user.id)
        return await get_usage(session, PLANS, fresh, at=at)


async def charge_many(database: Database, user: User, number: int, name: str = "edit") -> None:
    async with database.begin() as session:
        for edit in range(number):
            await reserve(session, PLANS, user.id, f"{name} {edit}", 1)
            await settle(session, PLANS, f"{name} {edit}", 1)


async def put_on(database: Database, user: User, plan: str) -> None:
    async with database.begin() as session:
        assert len(await set_plan(session, user.id, plan)) == 1


async def allow(database: Database, cents: int) -> None:
    async with database.begin() as session:
        await session.execute(update(User).values(overage_cap_cents=cents))


async def test_every_verb_counts_once(database: Database) -> None:
    user = await create_user(database)
    assert [await take(database, user, "a") for _ in range(2)] == [True, False]
    assert (await read(database, user)).reserved == 1
    assert [await charge(database, "a") for _ in range(2)] == [True, False]
    assert not await give_back(database, "a")
    assert [await make_good(database, "a") for _ in range(2)] == [True, False]
    usage = await read(database, user)
    assert (usage.reserved, usage.charged, usage.credited, usage.left) == (0, 1, 1, FREE)
    assert await list_book_faults(database) == []


async def test_what_failed_is_free_and_its_retry_is_charged(database: Database) -> None:
    user = await create_user(database)
    await take(database, user, "a", 1)
    assert await give_back(database, "a", 1)
    assert not await charge(database, "a", 1)
    assert not await make_good(database, "a", 1)
    await take(database, user, "a", 2)
    assert await charge(database, "a", 2)
    assert (await read(database, user)).charged == 1
    assert await list_book_faults(database) == []


async def test_an_edit_is_credited_once_whatever_its_round(database: Database) -> None:
    user = await create_user(database)
    for number in (1, 2):
        await take(database, user, "a", number)
        await charge(database, "a", number)
    assert [await make_good(database, "a", number) for number in (1, 2)] == [True, False]


async def test_nothing_happens_to_what_was_never_reserved(database: Database) -> None:
    done = [await charge(database, "x"), await give_back(database, "x")]
    assert [*done, await make_good(database, "x")] == [False, False, False]


async def test_free_stops_at_its_limit_and_says_until_when(database: Database) -> None:
    user = await create_user(database)
    for number in range(FREE):
        await take(database, user, f"edit {number}")
    async with database.begin() as session:
        with pytest.raises(PlanUsedUp, match="00:00 UTC"):
            await reserve(session, PLANS, user.id, "one more", 1)
        # Nothing was written, and the transaction goes on.
        assert await session.scalar(select(func.count()).select_from(Entry)) == FREE
    await give_back(database, "edit 0")
    assert await take(database, user, "one more")


async def test_beyond_a_plan_the_users_cap_stops(database: Database) -> None:
    user = await create_user(database, plan="creator")
    plan = PLANS.get("creator")
    await charge_many(database, user, plan.included)
    with pytest.raises(OverageCapReached):
        await take(database, user, "no cap is allowed yet")
    async with database.begin() as session:
        await session.execute(update(User).values(overage_cap_cents=149))
    for number in range(2):  # at 50 cents each
        await take(database, user, f"more {number}")
        await charge(database, f"more {number}")
    with pytest.raises(OverageCapReached):
        await take(database, user, "more 2")
    usage = await read(database, user)
    assert (usage.overage_units, usage.overage_cents, usage.allowance) == (2, 100, 0)
    await make_good(database, "more 0")
    assert (await read(database, user)).overage_cents == 50
    assert await take(database, user, "more 2")


async def test_a_unit_belongs_to_the_month_of_its_admission(database: Database) -> None:
    user = await create_user(database)
    november, december = (datetime(2025, month, 28, 23, 59, tzinfo=UTC) for month in (11, 12))
    async with database.begin() as session:
        for number in range(FREE):
            await reserve(session, PLANS, user.id, f"edit {number}", 1, at=november)
        assert await reserve(session, PLANS, user.id, "new month", 1, at=december)
        assert not await reserve(session, PLANS, user.id, "edit 0", 1, at=december)
    await charge(database, "edit 0")
    await give_back(database, "edit 1")
    usage = await read(database, user, november)
    assert (usage.reserved, usage.charged, usage.credited) == (FREE - 2, 1, 0)
    usage = await read(database, user, december)
    assert (usage.reserved, usage.charged, usage.credited) == (1, 0, 0)
    assert (await read(database, user)).period == get_period()
    assert await list_book_faults(database) == []


async def test_what_looks_wrong_in_a_month_that_was_billed_is_given_back_now(
    database: Database,
) -> None:
    user = await create_user(database, plan="creator")
    long_ago = datetime(2025, 11, 28, tzinfo=UTC)
    included = PLANS.get("creator").included
    await allow(database, 1000)
    async with database.begin() as session:
        for number in range(included + 1):
            await reserve(session, PLANS, user.id, f"edit {number}", 1, at=long_ago)
            await settle(session, PLANS, f"edit {number}", 1)
    billed = await read(database, user, long_ago)
    assert (billed.overage_units, billed.overage_cents) == (1, 50)
    assert await make_good(database, f"edit {included}")
    assert (await read(database, user, long_ago)).overage_cents == 50
    usage = await read(database, user)
    assert (usage.left, usage.included, usage.taken) == (included + 1, included + 1, 0)
    await charge_many(database, user, included + 1, "now")
    usage = await read(database, user)
    assert (usage.left, usage.overage_cents) == (0, 0)
    assert await list_book_faults(database) == []


async def test_another_plan_changes_nothing_of_what_was_agreed(database: Database) -> None:
    user = await create_user(database, plan="large")
    await charge_many(database, user, 30)
    for number in range(2):
        await take(database, user, f"under way {number}")
    await put_on(database, user, "creator")
    assert (await read(database, user)).overage_cents == 0, "they were in the plan"
    await charge(database, "under way 0")
    await give_back(database, "under way 1")
    usage = await read(database, user)
    assert (usage.overage_units, usage.overage_cents, usage.allowance) == (0, 0, 0)
    await allow(database, 100)
    await charge_many(database, user, 2, "beyond")
    assert (await read(database, user)).overage_cents == 100
    with pytest.raises(OverageCapReached):
        await take(database, user, "beyond the cap")
    await put_on(database, user, "free")
    assert (await read(database, user)).overage_cents == 100, "they were had"
    await put_on(database, user, "large")
    assert await take(database, user, "in the plan again")
    assert await list_book_faults(database) == []


async def test_a_cap_that_is_lowered_frees_nobody_of_what_is_under_way(database: Database) -> None:
    user = await create_user(database, plan="creator")
    await charge_many(database, user, PLANS.get("creator").included)
    await allow(database, 100)
    for number in range(2):
        await take(database, user, f"beyond {number}")
    await allow(database, 0)
    for number in range(2):
        await charge(database, f"beyond {number}")
    assert (await read(database, user)).overage_cents == 100
    assert await list_book_faults(database) == []


async def test_an_included_unit_that_comes_free_pays_for_one_beyond(database: Database) -> None:
    user = await create_user(database, plan="creator")
    await allow(database, 1000)
    await charge_many(database, user, PLANS.get("creator").included - 2)
    for edit in ("in 0", "in 1", "beyond 0", "beyond 1"):
        await take(database, user, edit)
    # Those beyond are charged first: the others hold their places in the plan.
    await charge(database, "beyond 0")
    await charge(database, "beyond 1")
    assert (await read(database, user)).overage_cents == 100
    await give_back(database, "in 0")
    await charge(database, "in 1")
    assert (await read(database, user)).overage_cents == 50
    await make_good(database, "in 1")
    usage = await read(database, user)
    assert (usage.overage_units, usage.overage_cents, usage.left) == (0, 0, 0)
    await make_good(database, "beyond 1")
    assert (await read(database, user)).left == 1
    assert await list_book_faults(database) == []


async def test_what_looks_wrong_is_no_endless_supply(database: Database) -> None:
    user = await create_user(database)
    edited, is_back = 0, True
    while is_back:
        await take(database, user, f"edit {edited}")
        await charge(database, f"edit {edited}")
        is_back = await make_good(database, f"edit {edited}")
        edited += 1
    usage = await read(database, user)
    assert (edited, usage.credited, usage.left) == (FREE + 1, FREE, FREE - 1)
    assert await list_book_faults(database) == []


async def test_a_larger_plan_warns_anew(database: Database) -> None:
    user = await create_user(database)
    await charge_many(database, user, FREE)
    for plan in ("large", "free", "large"):
        await put_on(database, user, plan)
    await charge_many(database, user, 50 - FREE, "more")
    async with database.begin() as session:
        told = list(await session.scalars(select(Notification.once).order_by(Notification.once)))
    period = get_period()
    expected = [f"usage/{period}/{one}" for one in ("free/100", "free/80", "large/100", "large/80")]
    assert told == expected


async def test_80_and_100_percent_are_told_once(database: Database) -> None:
    user = await create_user(database)
    await charge_many(database, user, FREE)
    await make_good(database, "edit 0")
    await take(database, user, "again at 100")
    await charge(database, "again at 100")
    async with database.begin() as session:
        told = (await session.scalars(select(Notification).order_by(Notification.once))).all()
    assert {note.title.partition(" %")[0] for note in told} == {"80", "100"}
    assert len(told) == 2
    assert {note.mail for note in told} == {"now"}
    assert all("Free" in note.detail for note in told)


async def test_80_and_100_percent_of_a_cap_are_told_once(database: Database) -> None:
    user = await create_user(database, plan="creator")
    await charge_many(database, user, PLANS.get("creator").included)
    for cap_cents in (270, 520):  # of five edits at 50 cents, and of ten
        async with database.begin() as session:
            await session.execute(update(User).values(overage_cap_cents=cap_cents))
        for number in range(5):
            await take(database, user, f"{cap_cents} {number}")
            await charge(database, f"{cap_cents} {number}")
    async with database.begin() as session:
        caps = select(Notification.once).where(Notification.once.startswith("cap/"))
        told = {once.split("/", 2)[2] for once in await session.scalars(caps)}
    assert told == {"270/80", "270/100", "520/80", "520/100"}


async def test_who_has_left_is_not_charged(database: Database) -> None:
    user = await create_user(database)
    await take(database, user, "a")
    async with database.begin() as session:
        await session.delete(await session.get_one(User, user.id))
    assert not await charge(database, "a")
    with pytest.raises(UserGone):
        await take(database, user, "b")


_RACER = """
import asyncio, sys
from comfyhoused.adapters.postgres.database import open_database
from comfyhoused.creator.ledger import PlanUsedUp, reserve
from comfyhoused.creator.plans import CreatorPlanBook

PLANS = CreatorPlanBook.load()

async def race(database, user, edit):
    try:
        async with database.begin() as session:
            return await reserve(session, PLANS, user, edit, 1)
    except PlanUsedUp:
        return False

async def main(url, user, name):
    database = open_database(url)
    won = await asyncio.gather(*(race(database, user, f"{name}-{i}") for i in range(25)))
    await database.aclose()
    print(sum(won))

asyncio.run(main(*sys.argv[1:]))
"""


async def test_of_fifty_racers_at_the_last_unit_one_wins(
    database: Database, database_url: str
) -> None:
    user = await create_user(database)
    await charge_many(database, user, FREE - 1)
    command = (sys.executable, "-c", _RACER, database_url, user.id)
    racers = [
        await asyncio.create_subprocess_exec(*command, str(one), stdout=asyncio.subprocess.PIPE)
        for one in range(2)
    ]
    outputs = await asyncio.gather(*(racer.communicate() for racer in racers))
    assert sum(int(output) for output, _ in outputs) == 1
    assert (await read(database, user)).taken == FREE
    assert await list_book_faults(database) == []


async def test_settling_and_releasing_at_once_does_one_of_them(database: Database) -> None:
    user = await create_user(database)
    for number in range(5):
        edit = f"edit {number}"
        await take(database, user, edit)
        verbs = (charge, give_back, charge, give_back)
        assert sum(await asyncio.gather(*(verb(database, edit) for verb in verbs))) == 1
    assert await list_book_faults(database) == []


@pytest.fixture(scope="module")
def shared_url(postgres: TestPostgres) -> str:
    """One database for all examples; each has a user of its own."""
    return postgres.make_database()


_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["reserve", "settle", "release", "credit"]),
        st.integers(0, 3),
        st.integers(1, 2),
    ),
    max_size=30,
)


@given(steps=_STEPS)
@settings(max_examples=12, deadline=None)
def test_in_any_order_the_books_are_the_sum_of_the_entries(
    steps: list[tuple[str, int, int]], shared_url: str
) -> None:
    asyncio.run(_walk(shared_url, steps))


async def _walk(url: str, steps: list[tuple[str, int, int]]) -> None:
    database = open_database(url)
    try:
        user = await create_user(database, f"{id(steps)}@example.com")
        expected: dict[tuple[str, int], str] = {}
        for kind, number, turn in steps:
            edit = f"{user.id} {number}"
            done = await _do(database, user, kind, edit, turn)
            assert done == _expect(expected, kind, edit, turn), (kind, edit, turn)
        states = list(expected.values())
        usage = await read(database, user)
        assert usage.reserved == states.count("reserve")
        assert usage.charged == states.count("settle") + states.count("credit")
        assert usage.credited == states.count("credit")
        assert await list_book_faults(database) == []
    finally:
        async with database.begin() as session:
            await session.delete(await session.get_one(User, user.id))
        await database.aclose()


async def _do(database: Database, user: User, kind: str, edit: str, turn: int) -> bool:
    if kind == "reserve":
        return await take(database, user, edit, turn)
    verbs = {"settle": charge, "release": give_back, "credit": make_good}
    return await verbs[kind](database, edit, turn)


def _expect(states: dict[tuple[str, int], str], kind: str, edit: str, turn: int) -> bool:
    state = states.get((edit, turn))
    before = {"reserve": None, "settle": "reserve", "release": "reserve", "credit": "settle"}
    credited = {one for (one, _), kind in states.items() if kind == "credit"}
    if state != before[kind] or (kind == "credit" and edit in credited):
        return False
    states[(edit, turn)] = kind
    return True
