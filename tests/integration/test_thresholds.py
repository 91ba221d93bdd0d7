"""Mails and webhooks at 80 % and 100 % of a month's units and of the spend cap, once each."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from comfyhoused.adapters.redis.client import Store, open_store
from comfyhoused.api.accounts import create_account, set_plan, set_spend_cap
from comfyhoused.api.closing import close_months
from comfyhoused.api.plans import PlanBook
from comfyhoused.api.settlement import settle_ending
from comfyhoused.api.statement import read_statement
from comfyhoused.api.thresholds import notice_thresholds
from comfyhoused.core.jobs.books import make_books_key, read_usage
from comfyhoused.core.jobs.cancel import cancel_job
from comfyhoused.core.jobs.outbox import Outbox
from comfyhoused.core.mail.send import list_unsent_mails, send_due_mails
from comfyhoused.core.webhooks.deliveries import list_deliveries
from comfyhoused.core.webhooks.endpoints import create_endpoint
from comfyhoused.kit.periods import get_period
from comfyhoused.resources import Resources, open_resources
from comfyhoused.settings import HouseSettings, RedisSettings, Settings
from tests.house import PLANS_FILE
from tests.job_desks import admit_job

OWNER = "account:ada"
PLANS = PlanBook.load(PLANS_FILE)


@pytest.fixture
async def resources(valkey_url: str, tmp_path: Path) -> AsyncIterator[Resources]:
    settings = Settings()
    settings.house = HouseSettings(data_dir=tmp_path)
    settings.redis = RedisSettings(redis_url=valkey_url)
    store = open_store(valkey_url)
    await store.flushdb()
    await store.aclose()
    async with open_resources(settings) as opened:
        yield opened


async def use(store: Store, units: int) -> None:
    await store.hset(make_books_key("usage", OWNER, get_period()), "settled", str(units))


async def tell(resources: Resources) -> list[str]:
    return await notice_thresholds(resources, PLANS, OWNER, get_period())


async def list_subjects(resources: Resources) -> list[str]:
    await send_due_mails(resources)  # without a server they are kept to look at
    return [mail.subject for mail in await list_unsent_mails(resources.store)][::-1]


async def count_deliveries(store: Store) -> int:
    return len((await list_deliveries(store, OWNER, limit=100, cursor=None)).items)


async def test_each_level_is_told_once(resources: Resources) -> None:
    await create_account(resources.store, account_id="ada", plan="small", email="ada@example.com")
    await create_endpoint(
        resources.store, OWNER, "https://example.com/hook", description="", events=(), most=9
    )
    told = []
    for settled in (1, 3, 4, 4, 5, 5):
        await use(resources.store, settled)
        told.append(len(await tell(resources)))
    assert told == [0, 0, 1, 0, 1, 0]
    assert await list_subjects(resources) == [
        "80 % of your Small images are used",
        "100 % of your Small images are used",
    ]
    (last, _) = await list_unsent_mails(resources.store)
    assert "5 of the 5 images" in last.text
    assert "New jobs are refused until" in last.text
    assert "/console" in last.html
    assert await count_deliveries(resources.store) == 2


async def test_who_dies_before_the_mark_tells_nothing_twice(resources: Resources) -> None:
    await create_account(resources.store, account_id="ada", plan="small", email="ada@example.com")
    await use(resources.store, 4)
    key = make_books_key("usage", OWNER, get_period())
    for _ in range(5):
        assert len(await tell(resources)) == 1
        for mark in await resources.store.hkeys(key):
            if str(mark).startswith("told:"):
                await resources.store.hdel(key, mark)
    await asyncio.gather(*(tell(resources) for _ in range(10)))
    assert len(await list_subjects(resources)) == 1


async def test_from_nothing_to_everything_is_one_mail(resources: Resources) -> None:
    await create_account(resources.store, account_id="ada", plan="small", email="ada@example.com")
    await use(resources.store, 5)
    assert len(await tell(resources)) == 1
    assert await list_subjects(resources) == ["100 % of your Small images are used"]


async def test_the_spend_cap_is_told_apart(resources: Resources) -> None:
    await create_account(resources.store, account_id="ada", plan="metered", email="a@example.com")
    await set_spend_cap(resources.store, "ada", 22)  # five units of four cents, and two cents
    told = []
    for settled in (2, 5, 6, 7):
        await use(resources.store, settled)
        told.append(sorted(await tell(resources)))
    assert told == [
        ["told:included:2:100"],
        [],
        ["told:spend_cap:22:80"],
        ["told:spend_cap:22:100"],
    ]
    mails = await list_subjects(resources)
    assert mails[1:] == [
        "80 % of your Comfyhouse spend cap is used",
        "100 % of your Comfyhouse spend cap is used",
    ]
    await set_spend_cap(resources.store, "ada", 100)
    assert await tell(resources) == []
    await set_spend_cap(resources.store, "ada", 24)
    assert await tell(resources) == ["told:spend_cap:24:80"]


async def test_without_an_address_there_is_only_the_webhook(resources: Resources) -> None:
    await create_account(resources.store, account_id="ada", plan="small")
    await use(resources.store, 5)
    assert len(await tell(resources)) == 1
    assert await list_subjects(resources) == []


async def test_test_mode_other_products_and_old_months_are_not_told(resources: Resources) -> None:
    await create_account(resources.store, account_id="ada", plan="small", email="ada@example.com")
    for owner, period in (
        (f"{OWNER}:test", get_period()),
        ("user:ada", get_period()),
        ("account:nobody", get_period()),
        (OWNER, ""),
        (OWNER, "2020-01"),
    ):
        await resources.store.hset(make_books_key("usage", owner, period), "settled", "99")
        assert await notice_thresholds(resources, PLANS, owner, period) == []


async def test_months_that_are_over_are_closed_by_the_plan_of_the_account(
    resources: Resources,
) -> None:
    await create_account(resources.store, account_id="ada", plan="metered")
    for number, owner in enumerate([OWNER, "account:gone", "user:bob"]):
        await admit_job(resources.store, owner, period="2020-01", units=number + 1)
        key = make_books_key("usage", owner, "2020-01")
        if owner != "user:bob":  # his job goes on
            await resources.store.hset(key, mapping={"reserved": "0", "settled": "7"})
    await admit_job(resources.store, OWNER, period=get_period())

    assert await close_months(resources, PLANS) == 2
    assert await close_months(resources, PLANS) == 0

    await set_plan(resources.store, "ada", "business")
    plan = PLANS.get("business")
    statement = await read_statement(resources.store, OWNER, plan, None, "2020-01")
    assert (statement.plan_name, statement.overage, statement.cost_micros) == (
        "metered",
        5,
        200_000,
    )
    assert not (await read_usage(resources.store, OWNER, get_period())).ledger_object
    assert not (await read_usage(resources.store, "user:bob", "2020-01")).ledger_object


async def test_a_crowd_of_endings_is_settled_in_one_go(resources: Resources) -> None:
    await create_account(resources.store, account_id="ada", plan="small")
    for _ in range(120):
        job_id = await admit_job(resources.store, OWNER, period=get_period())
        await cancel_job(resources.store, OWNER, job_id)
    outbox = Outbox(resources, {"account": lambda one: settle_ending(resources, PLANS, one)})
    assert await outbox.settle_endings("worker") == 120
    assert await outbox.settle_endings("worker") == 0
    usage = await read_usage(resources.store, OWNER, get_period())
    assert (usage.settled, usage.reserved) == (0, 0)
