"""One outbox for all products: each ending goes to its owner's, and none holds up another's."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from comfyhoused.adapters.redis.client import Store
from comfyhoused.adapters.storage.local import LocalStorage
from comfyhoused.core.jobs.cancel import cancel_job
from comfyhoused.core.jobs.outbox import NobodySettles, Outbox
from comfyhoused.core.jobs.settlement import Ending
from comfyhoused.kit.errors import Unavailable
from comfyhoused.kit.http.guard import Guard, make_policy, resolve_name
from comfyhoused.resources import Resources
from comfyhoused.settings import Settings
from tests.job_desks import admit_job
from tests.webhook_stage import open_clean_store


@pytest.fixture
async def resources(
    valkey_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Resources]:
    monkeypatch.setenv("CH_REDIS_URL", valkey_url)
    guard = Guard(make_policy([]), resolve_name)
    async with open_clean_store(valkey_url) as store:
        yield Resources(Settings.load(), store, LocalStorage(tmp_path, b"a secret"), guard)


async def end_jobs(store: Store, *owners: str) -> list[str]:
    job_ids = []
    for owner in owners:
        job_ids.append(await admit_job(store, owner))
        await cancel_job(store, owner, job_ids[-1])
    return job_ids


class Product:
    """Settles what it gets, unless it is down."""

    def __init__(self) -> None:
        self.is_down = False
        self.asked = 0
        self.settled: list[str] = []

    async def settle(self, ending: Ending) -> None:
        self.asked += 1
        if self.is_down:
            raise Unavailable("The database is away.")
        self.settled.append(ending.job_id)


async def test_each_ending_goes_to_the_product_of_its_owner(resources: Resources) -> None:
    accounts, users = Product(), Product()
    ended = await end_jobs(resources.store, "account:a", "user:b", "account:a:test", "user:c")

    outbox = Outbox(resources, {"account": accounts.settle, "user": users.settle})
    assert await outbox.settle_endings("worker") == 4

    assert accounts.settled == [ended[0], ended[2]]
    assert users.settled == [ended[1], ended[3]]


async def test_a_product_that_is_down_holds_up_no_other(resources: Resources) -> None:
    accounts, users = Product(), Product()
    users.is_down = True
    ended = await end_jobs(resources.store, *["user:b"] * 20, "account:a")

    outbox = Outbox(resources, {"account": accounts.settle, "user": users.settle})
    with pytest.raises(Unavailable):
        await outbox.settle_endings("worker")

    assert accounts.settled == ended[20:]
    assert users.asked == 1, "each of many would have waited for a database that does not answer"
    assert await resources.store.xlen("ch:1:outbox") == 20, "they stay for later"


async def test_endings_of_a_product_that_is_not_set_up_wait(resources: Resources) -> None:
    await end_jobs(resources.store, "user:b")
    with pytest.raises(NobodySettles):
        await Outbox(resources, {}).settle_endings("worker")
    assert await resources.store.xlen("ch:1:outbox") == 1
