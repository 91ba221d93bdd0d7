"""What goes wrong on our side is tried a few times and then told; what is away is waited for."""

import asyncio
import errno
from collections import Counter

import pytest
from PIL import Image
from sqlalchemy import func, select, update

from comfyhoused.core.photos.errors import PhotoUnreadable, PhotoWorkFailed
from comfyhoused.creator.edits.claiming import MOST_SETBACKS, Claim, LeaseGone
from comfyhoused.creator.edits.crew import Crew, Step
from comfyhoused.creator.edits.due import claim_waiting
from comfyhoused.creator.edits.ending import give_up_edit
from comfyhoused.creator.edits.following import Follower
from comfyhoused.creator.edits.pictures import make_folder
from comfyhoused.creator.edits.preparing import ensure_prepared
from comfyhoused.creator.edits.submitting import send_edit
from comfyhoused.creator.edits.sweeping import look_at_job, settle_dangling
from comfyhoused.creator.edits.work import ServerDiskFull, open_desk
from comfyhoused.creator.ledger import reserve
from comfyhoused.creator.sources.beneath import DiskAway
from comfyhoused.creator.tables import Book, Edit, Entry, Notification, Source
from comfyhoused.kit.errors import Problem
from tests.broken_rows import break_rows
from tests.photo_files import make_scene, write_photo
from tests.small_disk import mount_small_disk
from tests.waiting import PATIENCE_SECONDS, wait_until
from tests.watch_stage import WatchStage


@pytest.fixture
async def edit(stage: WatchStage) -> Edit:
    """An edit of a photo in Raw that waits, as the watcher makes it; no worker is there."""
    source = await stage.add_source()
    async with stage.watching():
        await stage.wait_listed(source)
        photo = write_photo(stage.folder / "a.jpg", "jpeg", Image.fromarray(make_scene()))
        photo.rename(stage.raw / "a.jpg")
        await wait_until(stage.count_edits)
    return (await stage.list_edits())[0]


async def hold(stage: WatchStage, edit: Edit, **fields: object) -> Claim:
    """Have the edit held by a worker, in this state."""
    async with stage.house.database.begin() as session:
        held = update(Edit).where(Edit.id == edit.id)
        await session.execute(held.values(lease_holder="me", **fields))
    return Claim(Edit, edit.id, "me")


async def get(stage: WatchStage, edit: Edit) -> Edit:
    async with stage.house.database.begin() as session:
        return await session.get_one(Edit, edit.id)


async def test_a_job_that_is_lost_again_and_again_fails_free_and_in_words(
    stage: WatchStage, edit: Edit
) -> None:
    for _ in range(MOST_SETBACKS - 1):
        await look_at_job(stage.house, await hold(stage, edit, state="in_line"))
        assert (await get(stage, edit)).state == "waiting"
    await look_at_job(stage.house, await hold(stage, edit, state="running"))
    failed = await get(stage, edit)
    assert failed.error is not None
    assert (failed.state, failed.error["code"], failed.error["retryable"]) == (
        "failed",
        "job_lost",
        True,
    )
    assert "did not count" in failed.error["detail"]
    async with stage.house.database.begin() as session:
        kinds = (await session.scalars(select(Entry.kind).order_by(Entry.id))).all()
        told = (await session.scalars(select(Notification.kind))).all()
    assert (kinds, told) == (["reserve", "release"], ["edit_failed"])


async def work_until_given_up(stage: WatchStage, errors: list[Exception]) -> Problem | None:
    """Have a crew meet these errors, one each time; returns with what it was given up, if it was.

    The edit is cancelled where the errors come to an end.
    """
    given_up: list[Problem] = []
    met = Counter[str]()
    is_over = asyncio.Event()

    async def act(claim: Claim) -> None:
        met["acts"] += 1
        if met["acts"] > len(errors):
            is_over.set()
            await asyncio.Event().wait()
        raise errors[met["acts"] - 1]

    async def give_up(claim: Claim, problem: Problem) -> bool:
        given_up.append(problem)
        is_given_up = await give_up_edit(stage.house, claim, problem)
        is_over.set()
        return is_given_up

    async def wake() -> bool:
        async with stage.house.database.begin() as session:
            resting = update(Edit).where(Edit.lease_holder.is_(None), Edit.state == "waiting")
            await session.execute(resting.values(next_try_at=func.now()))
        return is_over.is_set()

    crew = Crew(stage.house.database, "crew", 30, [Step("prepare", 1, claim_waiting, act, give_up)])
    working = asyncio.create_task(crew.work())
    try:
        await wait_until(wake, 60)
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
    assert met["acts"] >= len(errors)
    return given_up[0] if given_up else None


async def test_an_outage_counts_for_nothing_against_a_fault_after_it(
    stage: WatchStage, edit: Edit
) -> None:
    outage = [DiskAway("The NAS is off.")] * (MOST_SETBACKS + 1)
    faults = [RuntimeError("a fault of ours")] * (MOST_SETBACKS - 1)
    assert await work_until_given_up(stage, [*outage, *faults]) is None
    assert (await get(stage, edit)).setbacks == MOST_SETBACKS - 1


async def test_a_photo_over_which_the_studio_breaks_is_given_up(
    stage: WatchStage, edit: Edit
) -> None:
    breaks = [PhotoWorkFailed("The process that opened it ended with -11.")] * MOST_SETBACKS
    problem = await work_until_given_up(stage, [*breaks])
    assert problem is not None
    assert problem["code"] == "photo_work_failed"
    assert (await get(stage, edit)).state == "failed"


async def test_a_crew_goes_home_also_while_its_bell_rings(stage: WatchStage, edit: Edit) -> None:
    """What is done rings the bell; `asyncio.wait_for` forgot a cancellation at that moment."""
    for turns in range(12):
        acted = asyncio.Event()

        async def act(claim: Claim, acted: asyncio.Event = acted) -> None:
            acted.set()

        async def give_up(claim: Claim, problem: Problem) -> bool:
            return False

        async with stage.house.database.begin() as session:
            due = {"lease_holder": None, "lease_until": None, "next_try_at": func.now()}
            await session.execute(update(Edit).values(due))
        step = Step("prepare", 1, claim_waiting, act, give_up)
        crew = asyncio.create_task(Crew(stage.house.database, "crew", 30, [step]).work())
        await acted.wait()
        for _ in range(turns):
            await asyncio.sleep(0)
        crew.cancel()
        assert await asyncio.wait({crew}, timeout=PATIENCE_SECONDS) == ({crew}, set())


async def test_a_full_disk_of_the_server_is_no_fault_of_the_photo(
    stage: WatchStage, edit: Edit, caplog: pytest.LogCaptureFixture
) -> None:
    follower = Follower(stage.house)
    claim = await hold(stage, edit)
    with mount_small_disk(stage.house.spool_dir, 8192):
        with pytest.raises(ServerDiskFull):
            await send_edit(stage.house, follower, claim)
        # What decodes photos says of a write that failed that the photo is damaged.
        with pytest.raises(ServerDiskFull):
            async with open_desk(stage.house):
                raise PhotoUnreadable("It ends early or is damaged inside.")
    assert "the server's disk is full" in caplog.text
    assert (await get(stage, edit)).state == "waiting"
    await send_edit(stage.house, follower, claim)
    assert (await get(stage, edit)).state == "in_line"
    await follower.close()


async def test_only_the_disk_is_blamed_for_what_is_its_own(stage: WatchStage) -> None:
    with pytest.raises(ServerDiskFull):
        async with open_desk(stage.house):
            raise OSError(errno.EDQUOT, "Disk quota exceeded")
    with pytest.raises(PhotoUnreadable):
        async with open_desk(stage.house):
            raise PhotoUnreadable("It ends early or is damaged inside.")
    with pytest.raises(LeaseGone):
        async with open_desk(stage.house):
            raise LeaseGone("edit")


async def test_what_comes_after_an_edit_was_canceled_and_tidied_is_not_kept(
    stage: WatchStage, edit: Edit
) -> None:
    claim = await hold(stage, edit)
    async with stage.house.database.begin() as session:  # canceled while it is prepared
        await session.execute(update(Edit).values(state="canceled", lease_holder=None))
    with pytest.raises(LeaseGone):
        await ensure_prepared(stage.house, claim)
    storage = stage.house.resources.storage
    folder = make_folder(edit.user_id, edit.id)
    assert [key async for key in storage.list_keys(folder)] == []
    assert [key async for key in storage.list_keys("inputs")] == []


async def test_a_removed_folder_that_nobody_reconnects_is_not_waited_for(
    stage: WatchStage, edit: Edit
) -> None:
    problem = Problem(
        type="/errors/reconnect_needed", title="t", status=409, detail="d",
        code="reconnect_needed", retryable=False, errors=[],
    )  # fmt: skip
    assert not await give_up_edit(stage.house, await hold(stage, edit), problem)
    async with stage.house.database.begin() as session:
        await session.execute(update(Source).values(state="removed"))
    assert await give_up_edit(stage.house, await hold(stage, edit), problem)
    assert (await get(stage, edit)).state == "failed"


async def test_one_reservation_that_cannot_be_ended_holds_up_no_other(
    stage: WatchStage, edit: Edit
) -> None:
    house = stage.house
    async with house.database.begin() as session:
        for number in range(3):
            await reserve(session, house.plans, stage.user.id, f"gone {number}", 1)
        await session.execute(update(Edit).values(state="failed"))
    await break_rows(house.database, "entries", "NEW.kind = 'release' AND NEW.edit_id = 'gone 0'")
    assert await settle_dangling(house) == 3
    async with house.database.begin() as session:
        assert await session.scalar(select(Book.reserved)) == 1
