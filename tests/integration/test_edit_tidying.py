"""Tidying takes away what is over, and nothing of a round that has begun since."""

from pathlib import Path

import pytest

from comfyhoused.creator.edits.claiming import Claim, LeaseGone
from comfyhoused.creator.edits.pictures import make_folder, put_picture
from comfyhoused.creator.edits.tidying import tidy_edit
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.tables import Edit
from tests.waiting import wait_until
from tests.watch_stage import WatchStage, put


async def add_failed(stage: WatchStage) -> Edit:
    """Return an edit that has failed in its first round, held by a worker that tidies."""
    source = await stage.add_source()
    async with stage.watching():
        await stage.wait_listed(source)
        put(stage.raw / "a.jpg")
        await wait_until(stage.count_edits)
    (edit,) = await stage.list_edits()
    async with stage.house.database.begin() as session:
        row = await session.get_one(Edit, edit.id)
        row.state, row.lease_holder = "failed", "tidier"
    return row


async def store(house: CreatorHouse, edit: Edit, path: Path, round_number: int) -> str:
    path.write_bytes(b"a picture")
    key = f"{make_folder(edit.user_id, edit.id)}/{round_number}/original"
    await put_picture(house, key, path, "image/jpeg")
    return key


async def list_keys(house: CreatorHouse, edit: Edit) -> list[str]:
    keys = house.resources.storage.list_keys(make_folder(edit.user_id, edit.id))
    return [key async for key in keys]


async def test_a_round_that_begins_while_the_last_is_tidied_keeps_its_files(
    stage: WatchStage, tmp_path: Path
) -> None:
    edit = await add_failed(stage)
    await store(stage.house, edit, tmp_path / "one", 1)
    kept = await store(stage.house, edit, tmp_path / "two", 2)
    await tidy_edit(stage.house, Claim(Edit, edit.id, "tidier"))
    assert await list_keys(stage.house, edit) == [kept]


async def test_who_has_lost_the_edit_tidies_nothing(stage: WatchStage, tmp_path: Path) -> None:
    edit = await add_failed(stage)
    kept = await store(stage.house, edit, tmp_path / "one", 1)
    with pytest.raises(LeaseGone):
        await tidy_edit(stage.house, Claim(Edit, edit.id, "somebody before"))
    assert await list_keys(stage.house, edit) == [kept]
