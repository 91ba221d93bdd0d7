"""kill -9 of everything at random points, while photos are dropped into a folder.

In the end each photo has exactly one result in Edited and one charge, whatever died when.
"""

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import select

from comfyhoused.creator.edits.canceling import cancel_edit
from comfyhoused.creator.edits.retrying import retry_edit
from comfyhoused.creator.edits.retrying_all import retry_all
from comfyhoused.creator.migrating import upgrade_database
from comfyhoused.creator.tables import Delivery, Edit, Entry, Photo
from comfyhoused.kit.errors import Conflict, Unavailable
from comfyhoused.kit.ids import make_attempt_id
from tests.edit_stage import EditHouse, EditStage
from tests.postgres import QUICK, PostgresProcess
from tests.processes import ServerProcess
from tests.waiting import wait_until

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]

_SEED = int(os.environ.get("CH_CHAOS_SEED", "11"))
#: What is committed must outlive a kill of Postgres, as it does in every house.
_KEEPING = {**QUICK, "synchronous_commit": "on"}
_MOST_ATTEMPTS = 30
_PATIENCE_SECONDS = 150


class Torture:
    """The house, its Postgres, and the photos that flow through it meanwhile."""

    def __init__(self, house: EditHouse, postgres: PostgresProcess, stage: EditStage) -> None:
        self.house = house
        self.postgres = postgres
        self.stage = stage
        self.dropped: list[str] = []
        self._chance = random.Random(_SEED)
        self._is_over = False
        self._killed = 0
        self.changes = 0

    async def run(self, kills: list[str]) -> None:
        """Kill these parts one after the other while photos are dropped, about one for each."""
        flowing = asyncio.gather(self._drop_on(), self._change_minds())
        for what in kills:
            before = await self.count_delivered()
            await asyncio.sleep(self._chance.uniform(0.1, 0.9))
            part = self._choose(what)
            part.kill()
            self._killed += 1
            await asyncio.sleep(self._chance.uniform(0, 0.4))
            await asyncio.to_thread(part.start)  # type: ignore[attr-defined]
            # Kills that only hit what is starting would try nothing.
            await self.wait_delivered(before)
        self._is_over = True
        await flowing

    async def count_delivered(self) -> int:
        """Return how many results are in the folder."""
        return len(await asyncio.to_thread(self.stage.list_edited))

    async def wait_delivered(self, before: int) -> None:
        """Wait until there are more than that."""

        async def are_more() -> bool:
            return await self.count_delivered() > before

        try:
            await wait_until(are_more, _PATIENCE_SECONDS)
        except TimeoutError:  # a busy machine is slow, but something is always delivered
            raise AssertionError(await _describe(self)) from None

    def _choose(self, what: str) -> ServerProcess:
        parts: dict[str, list[ServerProcess]] = {
            "worker": [*self.house.workers],
            "watcher": [*self.house.watchers],
            "engine": [self.house.engine],
            "valkey": [self.house.valkey],
            "postgres": [self.postgres],
        }
        return self._chance.choice(parts[what])

    async def _drop_on(self) -> None:
        while not self._is_over:
            await wait_until(lambda: self._is_over or len(self.dropped) < self._killed + 5)
            name = f"photo {len(self.dropped)}.jpg"
            path = self.stage.raw / f".{name}.part"
            path.write_bytes(_make_photo(len(self.dropped)))
            path.rename(self.stage.raw / name)
            self.dropped.append(name)
            await asyncio.sleep(self._chance.uniform(0.2, 0.9))

    async def _change_minds(self) -> None:
        """Their owner cancels edits and tries them again, meanwhile."""
        creator, user_id = self.stage.creator, self.stage.user_id
        while not self._is_over:
            await asyncio.sleep(self._chance.uniform(0.2, 1.5))
            with suppress(Unavailable, Conflict):
                async with creator.database.begin() as session:
                    edits = list(await session.scalars(select(Edit.id)))
                edit_id = self._chance.choice(edits or [""])
                act = self._chance.choice([cancel_edit, retry_edit])
                if edit_id:
                    await act(creator, user_id, edit_id)
                    self.changes += 1

    async def retry_canceled(self) -> None:
        """Have all that was canceled tried again."""
        creator = self.stage.creator
        async with creator.database.begin() as session:
            canceled = list(await session.scalars(select(Edit.id).where(Edit.state == "canceled")))
        for edit_id in canceled:
            await retry_edit(creator, self.stage.user_id, edit_id)


@pytest.fixture
async def torture(tmp_path: Path) -> AsyncIterator[Torture]:
    postgres = PostgresProcess(tmp_path / "postgres", _KEEPING)
    await asyncio.to_thread(postgres.start)
    await upgrade_database(postgres.url)
    house = EditHouse(tmp_path, postgres.url, workers=2)
    try:
        house.start()
        house.add_watcher()
        async with house.open():
            yield Torture(house, postgres, await house.add_user())
    finally:
        house.close()
        postgres.kill()


@pytest.mark.parametrize(
    "count",
    [
        pytest.param(20, id="20", marks=pytest.mark.timeout(900)),
        pytest.param(200, id="200", marks=[pytest.mark.soak, pytest.mark.timeout(7200)]),
    ],
)
async def test_each_photo_has_one_result_and_one_charge_whatever_dies(
    torture: Torture, count: int, record_property: Callable[[str, object], None]
) -> None:
    torture.house.engine.set_switch(node_seconds=0.05)
    parts = ["worker", "watcher", "engine", "valkey", "postgres", "worker"]
    kills = [parts[number % len(parts)] for number in range(count)]
    random.Random(_SEED).shuffle(kills)

    await torture.run(kills)
    await wait_all_delivered(torture)

    record_property("photos", len(torture.dropped))
    record_property("changes of mind", torture.changes)
    record_property("runs", check_runs(torture.house, await list_edit_rows(torture)))
    await check_folder(torture)
    await check_ledger(torture)
    await check_nothing_is_left(torture)


async def wait_all_delivered(torture: Torture) -> None:
    """Wait until each photo's edit is delivered; what failed honestly is tried again."""
    stage = torture.stage

    async def try_again() -> None:
        while True:
            with suppress(Unavailable):
                await retry_all(stage.creator, stage.user_id)
                await torture.retry_canceled()
            await asyncio.sleep(1)

    async def are_all_noted() -> bool:
        return await stage.count_deliveries() == {"delivered": len(torture.dropped)}

    trying = asyncio.create_task(try_again())
    while (known := await torture.count_delivered()) < len(torture.dropped):
        await torture.wait_delivered(known)
    await wait_until(are_all_noted)
    trying.cancel()
    await asyncio.gather(trying, return_exceptions=True)


async def _describe(torture: Torture) -> str:
    deliveries = await torture.stage.count_deliveries()
    async with torture.stage.creator.database.begin() as session:
        rows = await session.execute(select(Photo.state))
        photos = Counter(row.state for row in rows)
    return f"{deliveries} {photos}\n{torture.house.read_logs(8000)}"


async def list_edit_rows(torture: Torture) -> list[Edit]:
    async with torture.stage.creator.database.begin() as session:
        return list(await session.scalars(select(Edit)))


def check_runs(house: EditHouse, edits: list[Edit]) -> int:
    """A server ran an edit's job again only after it had died: once in each of its lives."""
    owner = {
        make_attempt_id(edit.job_id, number): edit.id
        for edit in edits
        for number in range(1, _MOST_ATTEMPTS)
    }
    starts = [line for line in house.engine.executions() if line["event"] == "start"]
    boots: dict[str, list[str]] = {}
    for line in starts:
        if line["prompt_id"] in owner:
            boots.setdefault(owner[line["prompt_id"]], []).append(line["boot_id"])
    doubled = {edit_id: ids for edit_id, ids in boots.items() if len(set(ids)) < len(ids)}
    assert doubled == {}, f"run twice by one engine: {doubled}\n{house.read_logs(6000)}"
    return sum(len(ids) for ids in boots.values())


async def check_folder(torture: Torture) -> None:
    """One result of each photo, whole and its own; originals as they were."""
    wanted = sorted(name.replace(".jpg", "_negative.jpg") for name in torture.dropped)
    assert torture.stage.list_edited() == wanted
    for number, name in enumerate(torture.dropped):
        assert (torture.stage.raw / name).read_bytes() == _make_photo(number), name
        with Image.open(torture.stage.edited / name.replace(".jpg", "_negative.jpg")) as result:
            seen = result.convert("RGB").getpixel((20, 20))
        assert isinstance(seen, tuple)
        expected = [255 - 0.75 * one for one in _make_colour(number)]
        assert all(abs(a - b) < 25 for a, b in zip(seen, expected, strict=True)), (name, seen)


async def check_ledger(torture: Torture) -> None:
    """Every edit is charged once; whatever else was reserved was given back."""
    stage = torture.stage
    count = len(torture.dropped)
    assert await stage.read_books() == (0, count, 0)
    async with stage.creator.database.begin() as session:
        entries = list(await session.scalars(select(Entry)))
        edits = list(await session.scalars(select(Edit.id)))
    settled = Counter(one.edit_id for one in entries if one.kind == "settle")
    assert settled == dict.fromkeys(edits, 1)
    kinds = Counter(one.kind for one in entries)
    assert kinds["reserve"] == kinds["settle"] + kinds["release"]


async def check_nothing_is_left(torture: Torture) -> None:
    """Jobs, inputs, originals and whole results go; the previews of each edit stay."""
    stage = torture.stage
    store, storage = stage.creator.resources.store, stage.creator.resources.storage

    async def is_tidy() -> bool:
        jobs = await store.keys("ch:1:job:*")
        # What a killed worker was just writing is swept within the hour.
        doomed = set(await store.zrange("ch:1:files:doomed", 0, -1))
        inputs = {key async for key in storage.list_keys("inputs")} - doomed
        outputs = [key async for key in storage.list_keys("jobs")]
        results = [
            key
            async for key in storage.list_keys(f"creator/{stage.user_id}")
            if "/preview" not in key and "/thumb" not in key
        ]
        return not (jobs or inputs or outputs or results or await store.xlen("ch:1:outbox"))

    try:
        await wait_until(is_tidy)
    except TimeoutError:
        jobs = await store.keys("ch:1:job:*")
        keys = [key async for key in storage.list_keys("")]
        left = [key for key in keys if "/preview" not in key and "/thumb" not in key]
        raise AssertionError(f"left over: {jobs} {left}\n{torture.house.read_logs()}") from None
    async with stage.creator.database.begin() as session:
        edits = list(await session.scalars(select(Edit)))
        deliveries = list(await session.scalars(select(Delivery)))
    assert all(one.next_try_at is None and one.lease_holder is None for one in edits)
    assert all(one.next_try_at is None and one.upload_key for one in deliveries)


def _make_colour(number: int) -> tuple[int, int, int]:
    return (30 * number % 250, 70 * number % 250, 110 * number % 250)


def _make_photo(number: int) -> bytes:
    target = BytesIO()
    Image.new("RGB", (64, 48), _make_colour(number)).save(target, "JPEG", quality=95)
    return target.getvalue()
