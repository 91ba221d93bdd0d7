"""What strangers and broken disks send to Creator ends in an answer, and holds nobody else up."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from comfyhoused.creator.erasure import erase_leaving_users
from comfyhoused.creator.places import choose_local_folders, list_places
from comfyhoused.creator.sources.beneath import PathRefused
from comfyhoused.creator.tables import Connection, User
from comfyhoused.kit.clock import get_now
from comfyhoused.kit.ids import make_id
from comfyhoused.settings import Settings
from tests.creator_sign_in import create_user
from tests.creator_stock import Stock
from tests.house import SECRET
from tests.near_app import open_near_app
from tests.watch_stage import EMAIL, WatchStage, put


async def test_a_name_that_is_no_text_is_skipped_and_its_neighbours_are_edited(
    stage: WatchStage,
) -> None:
    source = await stage.add_source()
    async with stage.watching():
        await stage.wait_listed(source)
        put(stage.raw / "good.jpg")
        put(stage.raw / os.fsdecode(b"Fr\xfchling.jpg"))
        put(stage.raw / os.fsdecode(b"M\xe4rz") / "c.jpg")
        photos = await stage.wait_states(complete=1, skipped=2)
    assert {one.skip_code for one in photos if one.state == "skipped"} == {"name_unreadable"}


async def test_a_folder_is_not_given_to_who_has_its_owners_address_now(stage: WatchStage) -> None:
    house, ada = stage.house, stage.user
    await stage.add_source()
    (stage.root / EMAIL / "Private").mkdir()
    assert (await list_places(house, ada)).local_folders == [f"{EMAIL}/Private"]
    async with house.database.begin() as session:
        (await session.get_one(User, ada.id)).email = "ada.new@example.com"
    heir = await create_user(house.database, EMAIL.upper())
    assert (await list_places(house, heir)).local_folders == []
    with pytest.raises(PathRefused, match="Another account"):
        await choose_local_folders(house, heir)
    namesake = User(id=make_id("user"), google_sub="another", email="grace@example.com")
    async with house.database.begin() as session:
        session.add(namesake)
    grace = await create_user(house.database, "Grace@example.com")
    with pytest.raises(PathRefused, match="Another account"):
        await choose_local_folders(house, grace)


async def test_google_is_told_that_a_house_without_creator_wants_no_calls(
    valkey_url: str, redis: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "CH_REDIS_URL": valkey_url,
        "CH_SECRET": SECRET,
        "CH_DATA_DIR": str(tmp_path / "data"),
    }.items():
        monkeypatch.setenv(name, value)
    async with open_near_app(Settings.load()) as client:
        answer = await client.post("/creator/google/push", headers={"X-Goog-Channel-Id": "x"})
    assert answer.status_code == 404


async def test_one_who_cannot_be_erased_keeps_nobody_else_here(
    stage: WatchStage, caplog: pytest.LogCaptureFixture
) -> None:
    house = stage.house
    other = await create_user(house.database, "grace@example.com")
    connection = await Stock(house.database, house.resources.storage, stage.user).add_connection()
    broken = house.google.vault.seal("no tokens", f"connection {connection.id} of {stage.user.id}")
    long_ago = get_now() - timedelta(hours=1)
    async with house.database.begin() as session:
        (await session.get_one(Connection, connection.id)).sealed_tokens = broken
        (await session.get_one(User, stage.user.id)).deleting_at = long_ago
        (await session.get_one(User, other.id)).deleting_at = long_ago + timedelta(minutes=1)
    assert await erase_leaving_users(house) == 1
    async with house.database.begin() as session:
        assert await session.get(User, other.id) is None
    assert "met a fault of ours" in caplog.text
    # Nor do as many of them as are looked at at once: they are asked for again all the while.
    stuck = [make_id("user") for _ in range(45)]
    last = await create_user(house.database, "last@example.com")
    async with house.database.begin() as session:
        for user_id in stuck:
            session.add(User(id=user_id, google_sub=user_id, email="x@y", deleting_at=long_ago))
        await session.flush()
        for user_id in stuck:
            row = {"google_sub": "x", "email": "x@y", "scopes": "", "expires_at": long_ago}
            sealed = house.google.vault.seal("no tokens", f"connection con_{user_id} of {user_id}")
            session.add(
                Connection(id=f"con_{user_id}", user_id=user_id, sealed_tokens=sealed, **row)
            )
        (await session.get_one(User, last.id)).deleting_at = long_ago + timedelta(minutes=2)
    assert await erase_leaving_users(house) == 1
    async with house.database.begin() as session:
        assert await session.get(User, last.id) is None
    assert "no tokens" not in caplog.text, "what was sealed is in the log"
