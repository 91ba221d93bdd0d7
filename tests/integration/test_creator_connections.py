"""Google Drive as users give it to us, take it back, give it again; and what it is good for."""

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from comfyhoused.adapters.google.account_errors import GoogleUnreachable
from comfyhoused.adapters.google.accounts import GoogleAccounts
from comfyhoused.adapters.google.documents import DriveFile
from comfyhoused.adapters.google.grants import DRIVE, DRIVE_FILE
from comfyhoused.creator.connections import (
    ConnectionGone,
    ReconnectNeeded,
    Tokens,
    TokensLocked,
    get_token,
    open_tokens,
    seal_tokens,
)
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.intake import Look, take_in
from comfyhoused.creator.probing import look_for_drop, probe_connection
from comfyhoused.creator.resealing import reseal_tokens
from comfyhoused.creator.sources.drive import make_seen
from comfyhoused.creator.sources.opening import open_drive
from comfyhoused.creator.sources.sources import NewSource, create_source, get_source
from comfyhoused.creator.tables import (
    Channel,
    Connection,
    Delivery,
    Edit,
    Notification,
    Photo,
    Source,
)
from comfyhoused.kit.clock import get_now
from comfyhoused.kit.ids import make_id, make_job_id
from comfyhoused.kit.vault import Vault, derive_key
from tests.creator_google_stage import Answers, GoogleStage, read_query
from tests.creator_sign_in import create_user
from tests.google import PER_FILE_SCOPES

CONNECT = "/creator/google/connect"
JPEG = b"\xff\xd8\xff\xe0 a photo \xff\xd9"


@pytest.fixture
def stage(google_stage: GoogleStage) -> GoogleStage:
    return google_stage


@pytest.fixture
async def house(stage: GoogleStage, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[CreatorHouse]:
    async with stage.open_house(monkeypatch) as opened:
        yield opened
    stage.google.clear_faults()
    stage.google.set_switch(refuse_refresh=False)


_numbers = iter(range(1000))


def add_person(stage: GoogleStage) -> dict[str, Any]:
    """Return a person of the demo that no other test knows."""
    number = next(_numbers)
    return stage.google.add_user(f"person{number}@demo.example", f"Person {number}")


async def connect(stage: GoogleStage, person: dict[str, Any]) -> None:
    """Sign in and connect Drive, as a person does."""
    async with stage.sign_in(person) as browser:
        answer = await stage.walk(browser, CONNECT, Answers(person["sub"]))
        assert answer.status_code == 303, answer.text


async def get_connection(house: CreatorHouse, person: dict[str, Any]) -> Connection:
    async with house.database.begin() as session:
        query = select(Connection).where(Connection.google_sub == person["sub"])
        return (await session.scalars(query)).one()


async def add_source(house: CreatorHouse, connection: Connection, raw: str, edited: str) -> Source:
    new = NewSource("drive", "Raw", raw, edited, "cinematic", connection_id=connection.id)
    async with house.database.begin() as session:
        return await create_source(session, connection.user_id, new)


async def age(house: CreatorHouse, connection: Connection) -> None:
    """Have the access token be old."""
    its = update(Connection).where(Connection.id == connection.id)
    async with house.database.begin() as session:
        await session.execute(its.values(expires_at=get_now()))


def count_token_requests(stage: GoogleStage) -> int:
    return len(stage.google.list_requests("/token", "POST"))


async def test_drive_is_asked_for_apart_and_kept_sealed(
    stage: GoogleStage, house: CreatorHouse
) -> None:
    person = add_person(stage)
    async with stage.sign_in(person) as browser:
        asked = read_query(await stage.leave(browser, f"{CONNECT}?next=/creator/sources"))
        assert set(asked["scope"].split()) == {"openid", "email", DRIVE_FILE}
        assert (asked["access_type"], asked["prompt"]) == ("offline", "consent")
        assert asked["include_granted_scopes"] == "true"
        assert asked["login_hint"] == person["email"]
        answer = await stage.walk(
            browser, f"{CONNECT}?next=/creator/sources", Answers(person["sub"])
        )
        assert answer.headers["location"] == "/creator/sources?said=connected"
    connection = await get_connection(house, person)
    assert (connection.email, connection.state) == (person["email"], "connected")
    assert DRIVE_FILE in connection.scopes.split()
    tokens = open_tokens(house.google.vault, connection)
    assert tokens.access_token.startswith("ya29.")
    assert tokens.refresh_token.encode() not in connection.sealed_tokens
    assert tokens.refresh_token not in repr(tokens)
    assert await get_token(house, connection.id) == tokens.access_token
    assert (await open_drive(house, connection.id).about()).email == person["email"]


async def test_a_box_left_unticked_is_explained(stage: GoogleStage, house: CreatorHouse) -> None:
    person = add_person(stage)
    async with stage.sign_in(person) as browser:
        unticked = Answers(person["sub"], unticked=frozenset({DRIVE_FILE}))
        answer = await stage.walk(browser, f"{CONNECT}?next=/creator/sources", unticked)
        assert answer.status_code == 403
        assert "box for Google Drive was not ticked" in answer.text
        assert "Try again" in answer.text
        denied = Answers(person["sub"], is_allowed=False)
        answer = await stage.walk(browser, CONNECT, denied)
        assert answer.status_code == 403
        assert "You said no at Google" in answer.text
    async with house.database.begin() as session:
        mine = select(func.count()).where(Connection.google_sub == person["sub"])
        assert await session.scalar(mine) == 0


async def test_nobody_connects_for_somebody_else(stage: GoogleStage, house: CreatorHouse) -> None:
    one, other = add_person(stage), add_person(stage)
    async with stage.open_browser() as guest:
        assert (await guest.get(CONNECT)).headers["location"].startswith("/creator/sign-in")
    async with stage.sign_in(one) as browser:
        sent = await browser.get(CONNECT, headers={"Sec-Fetch-Site": "cross-site"})
        assert sent.status_code == 403
        back = await stage.decide(await stage.leave(browser, CONNECT), Answers(one["sub"]))
        # Meanwhile another person signs in, in the same browser.
        browser.cookies.delete("ch_creator")
        await stage.walk(browser, "/creator/auth/google", Answers(other["sub"]))
        answer = await browser.get(back)
        assert answer.status_code == 400
        assert "as somebody else" in answer.text
    async with house.database.begin() as session:
        mine = select(func.count()).where(Connection.google_sub == one["sub"])
        assert await session.scalar(mine) == 0


async def test_fifty_who_need_a_token_make_one_refresh(
    stage: GoogleStage, house: CreatorHouse
) -> None:
    person = add_person(stage)
    await connect(stage, person)
    connection = await get_connection(house, person)
    before = await get_token(house, connection.id)
    await age(house, connection)
    stage.google.forget_requests()

    tokens = await asyncio.gather(*(get_token(house, connection.id) for _ in range(50)))

    assert len(set(tokens)) == 1
    assert tokens[0] != before
    assert count_token_requests(stage) == 1
    assert await get_token(house, connection.id) == tokens[0]
    assert (await get_connection(house, person)).refreshing_until is None


async def test_fifty_in_two_processes_make_one_refresh(
    stage: GoogleStage, house: CreatorHouse
) -> None:
    person = add_person(stage)
    await connect(stage, person)
    connection = await get_connection(house, person)
    await age(house, connection)
    stage.google.forget_requests()

    asking = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.token_askers", connection.id, "25"),
            cwd=Path(__file__).parents[2],
            stdout=asyncio.subprocess.PIPE,
        )
        for _ in range(2)
    ]
    answers = [(await process.communicate())[0].split() for process in asking]

    assert [len(lines) for lines in answers] == [25, 25]
    assert len({line for lines in answers for line in lines}) == 1
    assert count_token_requests(stage) == 1


async def test_whoever_died_over_it_holds_nobody_up_for_long(
    stage: GoogleStage, house: CreatorHouse
) -> None:
    person = add_person(stage)
    await connect(stage, person)
    connection = await get_connection(house, person)
    await age(house, connection)
    its = update(Connection).where(Connection.id == connection.id)
    async with house.database.begin() as session:
        soon = func.clock_timestamp() + timedelta(seconds=0.5)
        await session.execute(its.values(refreshing_until=soon))
    stage.google.forget_requests()

    tokens = await asyncio.gather(*(get_token(house, connection.id) for _ in range(5)))

    assert len(set(tokens)) == 1
    assert count_token_requests(stage) == 1


async def test_a_token_serves_until_its_end_where_google_is_away(
    stage: GoogleStage, house: CreatorHouse
) -> None:
    person = add_person(stage)
    await connect(stage, person)
    connection = await get_connection(house, person)
    token = await get_token(house, connection.id)
    its = update(Connection).where(Connection.id == connection.id)
    async with house.database.begin() as session:
        soon = func.clock_timestamp() + timedelta(minutes=3)
        long_ago = func.clock_timestamp() - timedelta(minutes=57)
        await session.execute(its.values(expires_at=soon, refreshed_at=long_ago))
    stage.google.plan_fault("/token", action="refuse", status=503, reason="backendError", times=2)
    assert await get_token(house, connection.id) == token
    with pytest.raises(GoogleUnreachable):
        await get_token(house, connection.id, fresh=True)


async def test_a_house_that_google_does_not_know_waits_for_its_operator(
    stage: GoogleStage, house: CreatorHouse
) -> None:
    person = add_person(stage)
    await connect(stage, person)
    connection = await get_connection(house, person)
    await age(house, connection)
    settings = house.google.settings
    unknown = GoogleAccounts(
        house.google.http, settings.google_issuer, "another client", "another secret"
    )
    other = replace(house, google=replace(house.google, known_as=unknown))
    with pytest.raises(GoogleUnreachable):
        await get_token(other, connection.id)
    assert (await get_connection(house, person)).state == "connected"
    assert await get_token(house, connection.id)


async def test_a_refused_token_is_replaced_once_for_all(
    stage: GoogleStage, house: CreatorHouse
) -> None:
    person = add_person(stage)
    await connect(stage, person)
    connection = await get_connection(house, person)
    stage.google.expire(person)
    stage.google.forget_requests()

    drives = [open_drive(house, connection.id) for _ in range(20)]
    accounts = await asyncio.gather(*(drive.about() for drive in drives))

    assert {account.email for account in accounts} == {person["email"]}
    assert count_token_requests(stage) == 1


async def test_access_taken_back_is_told_once_and_loses_nothing(
    stage: GoogleStage, house: CreatorHouse
) -> None:
    person = add_person(stage)
    await connect(stage, person)
    connection = await get_connection(house, person)
    source = await add_source(house, connection, "raw of a drive", "edited of a drive")
    paused = await add_source(house, connection, "another raw", "another edited")
    async with house.database.begin() as session:
        (await get_source(session, connection.user_id, paused.id)).state = "paused"
    waiting = await add_waiting_delivery(house, source)
    stage.google.revoke(person)
    await age(house, connection)

    results = await asyncio.gather(
        *(get_token(house, connection.id) for _ in range(10)), return_exceptions=True
    )

    assert all(isinstance(one, ReconnectNeeded) for one in results)
    assert await list_states(house, source, paused) == ["reconnect", "paused"]
    (note,) = await list_notes(house, connection.user_id)
    assert (note.mail, note.kind) == ("now", "reconnect")
    assert person["email"] in note.detail
    assert (await get_connection(house, person)).state == "reconnect"

    # Connecting it again goes on with everything, at once.
    async with stage.sign_in(person) as browser:
        path = f"{CONNECT}?connection={connection.id}&next=/creator/sources"
        answer = await stage.walk(browser, path, Answers(person["sub"]))
        assert answer.status_code == 303, answer.text
    again = await get_connection(house, person)
    assert (again.id, again.state) == (connection.id, "connected")
    assert await list_states(house, source, paused) == ["active", "paused"]
    async with house.database.begin() as session:
        assert (await get_source(session, connection.user_id, source.id)).problem is None
        delivery = await session.get_one(Delivery, waiting)
        assert delivery.state == "due"
        assert delivery.next_try_at is not None
        assert delivery.next_try_at <= get_now()
    assert await open_drive(house, connection.id).about()

    # Taken back again, it is told again.
    stage.google.revoke(person)
    with pytest.raises(ReconnectNeeded):
        await get_token(house, connection.id, fresh=True)
    assert len(await list_notes(house, connection.user_id)) == 2


async def test_another_account_does_not_stand_in_for_a_lost_one(
    stage: GoogleStage, house: CreatorHouse
) -> None:
    person, other = add_person(stage), add_person(stage)
    await connect(stage, person)
    connection = await get_connection(house, person)
    async with stage.sign_in(person) as browser:
        path = f"{CONNECT}?connection={connection.id}"
        answer = await stage.walk(browser, path, Answers(other["sub"]))
        assert answer.status_code == 409
        assert person["email"] in answer.text
        # As one more Drive it is welcome.
        answer = await stage.walk(browser, CONNECT, Answers(other["sub"]))
        assert answer.status_code == 303
        stranger = await browser.get(f"{CONNECT}?connection=con_of_somebody_else")
        assert stranger.status_code == 404
    assert (await get_connection(house, other)).user_id == connection.user_id


async def test_google_away_is_no_loss(stage: GoogleStage, house: CreatorHouse) -> None:
    person = add_person(stage)
    await connect(stage, person)
    connection = await get_connection(house, person)
    await age(house, connection)
    stage.google.plan_fault("/token", action="refuse", status=503, reason="backendError")
    with pytest.raises(GoogleUnreachable):
        await get_token(house, connection.id)
    assert (await get_connection(house, person)).state == "connected"
    assert await list_notes(house, connection.user_id) == []
    stage.google.clear_faults()
    assert await get_token(house, connection.id)


async def test_a_wrong_key_loses_no_connection(stage: GoogleStage, house: CreatorHouse) -> None:
    person = add_person(stage)
    await connect(stage, person)
    connection = await get_connection(house, person)
    other = replace(house.google, vault=Vault([bytes(32)]))
    with pytest.raises(TokensLocked):
        await get_token(replace(house, google=other), connection.id)
    assert await get_token(house, connection.id)


async def test_keys_are_changed_without_anybody_noticing(
    stage: GoogleStage, house: CreatorHouse
) -> None:
    person = add_person(stage)
    await connect(stage, person)
    connection = await get_connection(house, person)
    old = derive_key(base_secret(house), "comfyhouse vault")
    new = b"\x07" * 32
    rotating = replace(house, google=replace(house.google, vault=Vault([new, old])))
    token = await get_token(rotating, connection.id)

    assert await reseal_tokens(rotating) >= 1
    assert await reseal_tokens(rotating) == 0

    after = replace(house, google=replace(house.google, vault=Vault([new])))
    assert await get_token(after, connection.id) == token
    back = replace(house, google=replace(house.google, vault=Vault([old, new])))
    assert await reseal_tokens(back) >= 1


async def test_tokens_of_another_row_do_not_open(stage: GoogleStage, house: CreatorHouse) -> None:
    person = add_person(stage)
    await connect(stage, person)
    connection = await get_connection(house, person)
    foreign = seal_tokens(
        house.google.vault,
        "con_other",
        connection.user_id,
        Tokens(access_token="a", refresh_token="b"),
    )
    its = update(Connection).where(Connection.id == connection.id)
    async with house.database.begin() as session:
        await session.execute(its.values(sealed_tokens=foreign))
    with pytest.raises(TokensLocked):
        await get_token(house, connection.id)
    thief = await create_user(house.database, f"thief of {person['sub']}@demo.example")
    given = its.values(sealed_tokens=connection.sealed_tokens, user_id=thief.id)
    async with house.database.begin() as session:
        await session.execute(given)
    with pytest.raises(TokensLocked):
        await get_token(house, connection.id)


async def test_disconnecting_leaves_nothing_at_google_and_no_token_here(
    stage: GoogleStage, house: CreatorHouse
) -> None:
    person = add_person(stage)
    await connect(stage, person)
    connection = await get_connection(house, person)
    source = await add_source(house, connection, "raw of mine", "edited of mine")
    channel = await open_channel(house, connection)
    async with stage.sign_in(person) as browser:
        page = await browser.get("/creator/settings")
        token = page.text.partition('name="token" value="')[2].partition('"')[0]
        form = {"connection": connection.id, "token": token}
        refused = await browser.post("/creator/google/disconnect", data={**form, "token": ""})
        assert refused.status_code == 403
        foreign = {**form, "connection": "con_other"}
        assert (await browser.post("/creator/google/disconnect", data=foreign)).status_code == 404
        stage.google.plan_fault("/revoke", action="refuse", status=503, reason="backendError")
        away = await browser.post("/creator/google/disconnect", data=form)
        assert away.status_code == 503
        assert (await get_connection(house, person)).sealed_tokens
        stage.google.clear_faults()
        answer = await browser.post("/creator/google/disconnect", data=form)
        assert answer.status_code == 303
        assert (await browser.post("/creator/google/disconnect", data=form)).status_code == 303
    left = await get_connection(house, person)
    assert (left.state, left.sealed_tokens) == ("reconnect", b"")
    assert all(one["id"] != channel for one in stage.google.list_channels())
    async with house.database.begin() as session:
        its = select(func.count()).where(Channel.connection_id == connection.id)
        assert await session.scalar(its) == 0
        row = await get_source(session, connection.user_id, source.id)
        assert row.state == "reconnect"
        assert row.problem is not None
        assert row.problem["code"] == "disconnected"
    with pytest.raises(ReconnectNeeded):
        await get_token(house, connection.id)
    assert await list_notes(house, connection.user_id) == []  # they did it themselves
    await connect(stage, person)
    assert await list_states(house, source) == ["active"]


async def test_disconnecting_what_nothing_needs_forgets_it(
    stage: GoogleStage, house: CreatorHouse
) -> None:
    person = add_person(stage)
    await connect(stage, person)
    connection = await get_connection(house, person)
    async with stage.sign_in(person) as browser:
        page = await browser.get("/creator/settings")
        token = page.text.partition('name="token" value="')[2].partition('"')[0]
        form = {"connection": connection.id, "token": token}
        assert (await browser.post("/creator/google/disconnect", data=form)).status_code == 303
    with pytest.raises(ConnectionGone):
        await get_token(house, connection.id)


async def test_what_a_drive_shows_is_tried(stage: GoogleStage, house: CreatorHouse) -> None:
    person = add_person(stage)
    await connect(stage, person)
    connection = await get_connection(house, person)
    stage.google.add_file(person, "IMG_1.jpg", JPEG)
    per_file = await probe_connection(house, connection.id)
    assert (per_file.mode, per_file.is_proven) == ("per_file", False)
    assert "stays unseen" in per_file.said

    # Where the app does see what it was not given, it is believed, whatever the scope says.
    granted = stage.google.allow(person, f"{PER_FILE_SCOPES} {DRIVE}")
    async with house.database.begin() as session:
        tokens = Tokens(
            access_token=granted["access_token"], refresh_token=granted["refresh_token"]
        )
        its = update(Connection).where(Connection.id == connection.id)
        sealed = seal_tokens(house.google.vault, connection.id, connection.user_id, tokens)
        await session.execute(its.values(sealed_tokens=sealed, refreshed_at=func.now()))
    full = await probe_connection(house, connection.id)
    assert (full.mode, full.is_proven) == ("full", True)
    assert (await get_connection(house, person)).mode == "full"


async def test_a_photo_that_was_dropped_proves_more_than_any_permission(
    stage: GoogleStage, house: CreatorHouse
) -> None:
    person = add_person(stage)
    await connect(stage, person)
    connection = await get_connection(house, person)
    drive = open_drive(house, connection.id)
    raw, edited = [
        await drive.create_folder((await drive.generate_ids())[0], name)
        for name in ("Raw", "Edited")
    ]
    source = await add_source(house, connection, raw.id, edited.id)
    since = get_now()
    dropped = stage.google.add_file(person, "IMG_2.jpg", JPEG, raw.id)
    unseen = await look_for_drop(house, connection.user_id, source.id, since)
    assert unseen.name is None
    assert (await get_connection(house, person)).mode == "per_file"
    stage.google.change(dropped["id"], given=True)
    seen = await look_for_drop(house, connection.user_id, source.id, since)
    assert seen.name == "IMG_2.jpg"
    assert (await get_connection(house, person)).mode == "full"


async def test_photos_that_are_picked_are_edited(stage: GoogleStage, house: CreatorHouse) -> None:
    person, other = add_person(stage), add_person(stage)
    await connect(stage, person)
    connection = await get_connection(house, person)
    source = await add_source(house, connection, "a raw to pick into", "an edited to pick into")
    mine = [stage.google.add_file(person, f"IMG_{one}.jpg", JPEG)["id"] for one in range(3)]
    theirs = stage.google.add_file(other, "IMG_9.jpg", JPEG)["id"]
    path = f"/creator/google/pick-photos?source={source.id}&next=/creator/sources"
    # One had been passed by when the folder was connected: picked, it is edited after all.
    seen = make_seen(await look_ahead(stage, house, connection, mine[0]), "")
    async with house.database.begin() as session:
        await take_in(session, source.id, Look([seen]))
        its = update(Photo).where(Photo.file_key == mine[0])
        await session.execute(its.values(state="skipped", skip_code="backlog_not_chosen"))
    async with stage.sign_in(person) as browser:
        asked = read_query(await stage.leave(browser, path))
        assert asked["scope"] == DRIVE_FILE
        assert asked["trigger_onepick"] == asked["allow_multiple"] == "true"
        assert "access_type" not in asked
        answer = await stage.walk(browser, path, Answers(person["sub"], picked=(*mine, theirs)))
        assert answer.headers["location"] == "/creator/sources?missing=1&said=picked-many&n=3"
        said = await browser.get(answer.headers["location"])
        assert "3 picked photos are on their way" in said.text
        again = await stage.walk(browser, path, Answers(person["sub"], picked=tuple(mine)))
        assert read_query(again.headers["location"])["n"] == "0"
        nothing = await stage.walk(browser, path, Answers(person["sub"]))
        assert nothing.status_code == 409
        elsewhere = await stage.walk(browser, path, Answers(other["sub"], picked=(theirs,)))
        assert elsewhere.status_code == 409
        assert "another Google account" in elsewhere.text
    async with house.database.begin() as session:
        query = select(Photo).where(Photo.source_id == source.id)
        photos = (await session.scalars(query)).all()
        edits = (await session.scalars(select(Edit).where(Edit.source_id == source.id))).all()
    assert {photo.file_key for photo in photos} == set(mine)
    assert {photo.state for photo in photos} == {"complete"}
    assert {edit.photo_id for edit in edits} == {photo.id for photo in photos}


async def test_a_folder_that_is_picked_is_ours_to_see(
    stage: GoogleStage, house: CreatorHouse
) -> None:
    person = add_person(stage)
    await connect(stage, person)
    connection = await get_connection(house, person)
    folder = stage.google.add_folder(person, "Wedding & more")
    path = f"/creator/google/pick-folder?connection={connection.id}&next=/creator/welcome?step=2"
    async with stage.sign_in(person) as browser:
        answer = await stage.walk(browser, path, Answers(person["sub"], picked=(folder["id"],)))
    led = read_query(answer.headers["location"])
    assert led == {"step": "2", "picked": folder["id"], "name": "Wedding & more"}
    assert (await open_drive(house, connection.id).get_file(folder["id"])).is_folder


async def look_ahead(
    stage: GoogleStage, house: CreatorHouse, connection: Connection, file_id: str
) -> DriveFile:
    """Return a file as we shall see it once it was given to us."""
    stage.google.change(file_id, given=True)
    file = await open_drive(house, connection.id).get_file(file_id)
    stage.google.change(file_id, given=False)
    return file


async def open_channel(house: CreatorHouse, connection: Connection) -> str:
    """Have Google call for the connection; returns the channel's id."""
    drive = open_drive(house, connection.id)
    page_token = await drive.get_start_page_token()
    ends = get_now().replace(microsecond=0)
    opened = await drive.watch_changes(
        page_token, make_job_id(), "token", "https://house.example/push", ends.replace(year=2099)
    )
    row = Channel(
        id=opened.id,
        connection_id=connection.id,
        token_digest="",
        resource_id=opened.resource_id,
        expires_at=opened.expires_at,
    )
    async with house.database.begin() as session:
        session.add(row)
    return opened.id


async def add_waiting_delivery(house: CreatorHouse, source: Source) -> str:
    """Store a finished picture that is tried again much later; returns the delivery's id."""
    now = get_now()
    photo = Photo(
        id=make_id("photo"),
        user_id=source.user_id,
        source_id=source.id,
        file_key=make_id("key"),
        revision="1",
        name="IMG_1.jpg",
    )
    edit = Edit(
        id=make_id("edit"),
        user_id=source.user_id,
        photo_id=photo.id,
        source_id=source.id,
        preset="cinematic",
        preset_version="1",
        strength=60,
        parameters_digest="",
        state="finished",
        job_id=make_job_id(),
        next_try_at=None,
    )
    delivery = Delivery(
        id=make_id("delivery"),
        user_id=source.user_id,
        edit_id=edit.id,
        source_id=source.id,
        state="due",
        next_try_at=now.replace(year=now.year + 1),
    )
    async with house.database.begin() as session:
        for row in (photo, edit, delivery):
            session.add(row)
            await session.flush()
    return delivery.id


async def list_states(house: CreatorHouse, *sources: Source) -> list[str]:
    async with house.database.begin() as session:
        return [(await session.get_one(Source, one.id)).state for one in sources]


async def list_notes(house: CreatorHouse, user_id: str) -> list[Notification]:
    async with house.database.begin() as session:
        query = select(Notification).where(Notification.user_id == user_id)
        return list((await session.scalars(query)).all())


def base_secret(house: CreatorHouse) -> bytes:
    return house.resources.settings.house.secret.get_secret_value().encode()
