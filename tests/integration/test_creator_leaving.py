"""Taking everything along, and leaving: what is in the ZIP, and what is left behind (nothing)."""

import io
import json
import zipfile
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from sqlalchemy import func, select, update

from comfyhoused.adapters.google.account_errors import GoogleGrantLost
from comfyhoused.core.files.records import FileDraft, create_file, expect_object
from comfyhoused.core.jobs.admission import UNLIMITED, Application, admit
from comfyhoused.core.jobs.erasing import erase_marked_jobs
from comfyhoused.core.jobs.outbox import Outbox
from comfyhoused.creator.connections import Tokens, seal_tokens
from comfyhoused.creator.edits.ending import settle_user_ending
from comfyhoused.creator.erasure import erase_leaving_users, request_erasure
from comfyhoused.creator.export import LEFT_OUT, TABLES, name_export, stream_export
from comfyhoused.creator.house import CreatorHouse, make_owner
from comfyhoused.creator.sessions import SignedOut, create_session, get_presence
from comfyhoused.creator.sources.opening import open_drive
from comfyhoused.creator.tables import Channel, Connection, Source, Table, Upload, User
from comfyhoused.creator.uploads import NewUpload, create_upload
from comfyhoused.creator.users import UserLeaving, find_or_create_user
from comfyhoused.kit.clock import get_now
from comfyhoused.kit.ids import make_id, make_job_id
from tests.creator_sign_in import create_user
from tests.creator_stock import Shot, Stock, paint
from tests.google import PER_FILE_SCOPES, FakeGoogle
from tests.processes import ServerProcess
from tests.watch_stage import EMAIL, WatchStage, open_watch_stage, put

GRAPH = {"1": {"class_type": "SaveImage", "inputs": {}}}


@pytest.fixture
async def stage(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    database_url: str,
    redis: Redis,
    valkey_url: str,
) -> AsyncIterator[WatchStage]:
    async with open_watch_stage(
        tmp_path, monkeypatch.setenv, database_url=database_url, redis_url=valkey_url
    ) as opened:
        yield opened


async def settle_in(house: CreatorHouse, user: User, source: Source) -> None:
    """Give a user something of everything."""
    stock = Stock(house.database, house.resources.storage, user)
    shots = [Shot(f"photo {number}.jpg", paint(number, 40, 50)) for number in range(3)]
    await stock.add_edits(source, [*shots, Shot("line.jpg", paint(9, 40, 50), state="in_line")])
    await stock.skip(source, "film.mp4", "photo_is_film")
    await stock.use(charged=2)
    await stock.tell("Something happened")
    await create_upload(house, user.id, NewUpload("once", source.id, "a.jpg", 10))
    async with house.database.begin() as session:
        await create_session(session, user.id, "a browser")
    for number in range(3):
        await admit(house.resources.store, make_job(make_owner(user.id), number))
    await keep_file(house, make_owner(user.id))


def make_job(owner: str, number: int) -> Application:
    return Application(
        job_id=make_job_id(),
        owner=owner,
        mode="live",
        plan_class="pro",
        kind="workflow",
        spec={"graph": GRAPH, "carried": []},
        facts={"run_kind": "x", "template": f"preset {number}"},
        units=0,
        limit=UNLIMITED,
        timeout_seconds=60,
        expires_in_seconds=600,
        keep_seconds=600,
        concurrency=1,
    )


async def keep_file(house: CreatorHouse, owner: str) -> None:
    file_id = make_id("file")
    key = f"inputs/{file_id}.png"
    await expect_object(house.resources.store, file_id, key)

    async def content() -> AsyncIterator[bytes]:
        yield b"a prepared photo"

    stored = await house.resources.storage.put(
        key, content(), content_type="image/png", max_bytes=100
    )
    draft = FileDraft(
        id=file_id,
        owner=owner,
        key=key,
        content_type="image/png",
        size_bytes=stored.size_bytes,
        hash=stored.hash,
        width=1,
        height=1,
        purpose="input",
    )
    await create_file(house.resources.store, draft)


async def count_rows(house: CreatorHouse, user_id: str) -> dict[str, int]:
    """Return how many rows of each table are a user's; those without any are left out."""
    counts = {}
    async with house.database.begin() as session:
        for table in Table.metadata.sorted_tables:
            column = table.c.get("user_id", table.c.id if table.name == "users" else None)
            if column is not None:
                query = select(func.count()).select_from(table).where(column == user_id)
                counts[table.name] = int(await session.scalar(query) or 0)
    return {name: count for name, count in counts.items() if count}


async def list_objects(house: CreatorHouse) -> list[str]:
    return [key async for key in house.resources.storage.list_keys("")]


async def find_in_redis(redis: Redis, word: str) -> list[str]:
    """Return every key whose name or content has the word in it."""
    found = []
    async for key in redis.scan_iter(count=1000):
        kind = await redis.type(key)
        content: Any = ""
        if kind == "hash":
            content = await redis.hgetall(key)
        elif kind == "zset":
            content = await redis.zrange(key, 0, -1)
        elif kind == "set":
            content = await redis.smembers(key)
        elif kind == "string":
            content = await redis.get(key)
        elif kind == "list":
            content = await redis.lrange(key, 0, -1)
        elif kind == "stream":
            content = await redis.xrange(key)
        if word in key or word in str(content):
            found.append(str(key))
    return found


async def settle_endings(house: CreatorHouse) -> None:
    """Do what every worker does with the ends of jobs."""
    outbox = Outbox(house.resources, {"user": partial(settle_user_ending, house)})
    await outbox.settle_endings("a worker of the tests")


async def let_time_pass(house: CreatorHouse) -> None:
    async with house.database.begin() as session:
        await session.execute(
            update(User).values(deleting_at=User.deleting_at - timedelta(hours=1))
        )


async def test_who_leaves_is_gone_and_nobody_else_is_touched(
    stage: WatchStage, redis: Redis
) -> None:
    house, ada = stage.house, stage.user
    bob = await create_user(house.database, "bob@example.com")
    original = put(stage.raw / "mine.jpg", b"an original")
    result = put(stage.edited / "mine_cinematic.jpg", b"a result")
    source = await stage.add_source()
    await settle_in(house, ada, source)
    bobs = await Stock(house.database, house.resources.storage, bob).add_source("Bob's")
    await settle_in(house, bob, bobs)
    before = await count_rows(house, bob.id), len(await find_in_redis(redis, bob.id))
    objects = [key for key in await list_objects(house) if ada.id not in key]
    async with house.database.begin() as session:
        cookie = await create_session(session, ada.id, "another browser")

    await request_erasure(house, ada.id)
    await request_erasure(house, ada.id)

    with pytest.raises(SignedOut):
        await get_presence(house.database, cookie)
    assert await erase_leaving_users(house) == 0  # a step that was under way may still end
    assert await count_rows(house, ada.id) == {"users": 1}
    await let_time_pass(house)
    await settle_endings(house)
    await erase_marked_jobs(house.resources)
    assert await erase_leaving_users(house) == 1
    assert await erase_leaving_users(house) == 0

    assert await count_rows(house, ada.id) == {}
    left = await list_objects(house)
    assert [key for key in left if ada.id in key] == []
    assert len(left) == len(objects) - 1  # the prepared photo's name does not say whose it is
    remembered = await find_in_redis(redis, ada.id)
    assert remembered == []
    assert (original.read_bytes(), result.read_bytes()) == (b"an original", b"a result")
    assert (await count_rows(house, bob.id), len(await find_in_redis(redis, bob.id))) == before


async def test_nobody_comes_back_in_while_they_leave(stage: WatchStage) -> None:
    house, ada = stage.house, stage.user
    await request_erasure(house, ada.id)
    identity: Any = type("Identity", (), {"sub": ada.google_sub, "email": EMAIL, "name": "Ada"})
    async with house.database.begin() as session:
        with pytest.raises(UserLeaving):
            await find_or_create_user(session, identity)
    await let_time_pass(house)
    assert await erase_leaving_users(house) == 1
    async with house.database.begin() as session:
        again = await find_or_create_user(session, identity)
    assert again.id != ada.id


async def test_google_forgets_too_and_is_asked_until_it_does(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    database_url: str,
    valkey_url: str,
    started: list[ServerProcess],
) -> None:
    google = FakeGoogle(tmp_path / "google")
    started.append(google)
    google.start()
    person = google.add_user()
    kept = google.add_file(person, "original.jpg", b"an original")
    async with open_watch_stage(
        tmp_path,
        monkeypatch.setenv,
        database_url=database_url,
        redis_url=valkey_url,
        **google.environment,
    ) as stage:
        house = stage.house
        connection, refresh_token = await connect(house, stage.user, google, person)
        channel = await open_channel(house, connection)
        assert [one["id"] for one in google.list_channels()] == [channel]
        await request_erasure(house, stage.user.id)
        await let_time_pass(house)
        google.plan_fault("/revoke", action="refuse", status=503, reason="backendError")
        assert await erase_leaving_users(house) == 0
        assert await count_rows(house, stage.user.id) == {"users": 1, "connections": 1}
        google.clear_faults()
        assert await erase_leaving_users(house) == 1
        assert await count_rows(house, stage.user.id) == {}
        with pytest.raises(GoogleGrantLost):
            await house.google.accounts.refresh(refresh_token)
        assert google.list_channels() == []
        async with house.database.begin() as session:
            assert await session.scalar(select(func.count()).select_from(Channel)) == 0
    assert kept["id"] in [one["id"] for one in google.list_files(person)]


async def connect(
    house: CreatorHouse, user: User, google: FakeGoogle, person: dict[str, Any]
) -> tuple[Connection, str]:
    granted = google.allow(person, PER_FILE_SCOPES)
    tokens = Tokens(access_token=granted["access_token"], refresh_token=granted["refresh_token"])
    connection_id = make_id("conn")
    connection = Connection(
        id=connection_id,
        user_id=user.id,
        google_sub=person["sub"],
        email=person["email"],
        scopes=PER_FILE_SCOPES,
        sealed_tokens=seal_tokens(house.google.vault, connection_id, user.id, tokens),
        expires_at=get_now() + timedelta(hours=1),
    )
    async with house.database.begin() as session:
        session.add(connection)
    return connection, granted["refresh_token"]


async def open_channel(house: CreatorHouse, connection: Connection) -> str:
    drive = open_drive(house, connection.id)
    page_token = await drive.get_start_page_token()
    ends = get_now().replace(microsecond=0) + timedelta(days=1)
    address = "https://house.example/push"
    opened = await drive.watch_changes(page_token, make_job_id(), "token", address, ends)
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


async def read_export(house: CreatorHouse, user_id: str) -> zipfile.ZipFile:
    content = b"".join([chunk async for chunk in stream_export(house, user_id)])
    return zipfile.ZipFile(io.BytesIO(content))


async def test_an_export_holds_everything_but_secrets(stage: WatchStage) -> None:
    house, ada = stage.house, stage.user
    source = await stage.add_source()
    await settle_in(house, ada, source)
    other = await create_user(house.database, "bob@example.com")
    bobs = await Stock(house.database, house.resources.storage, other).add_source("Bob's")
    await settle_in(house, other, bobs)
    archive = await read_export(house, ada.id)
    assert archive.testzip() is None
    rows = {
        name: [json.loads(line) for line in archive.read(f"{name}.jsonl").splitlines()]
        for name in TABLES
    }
    assert json.loads(archive.read("account.json"))["email"] == EMAIL
    counts = {name: len(found) for name, found in rows.items() if found}
    assert counts == {
        "sessions": 1,
        "sources": 1,
        "photos": 5,
        "edits": 4,
        "deliveries": 3,
        "uploads": 1,
        "months": 1,
        "ledger": 2,
        "notifications": 1,
    }
    assert other.id not in str(rows)
    pictures = {name for name in archive.namelist() if name.startswith("pictures/")}
    folder = f"creator/{ada.id}/"
    named = [edit["preview_file"] for edit in rows["edits"] if edit["preview_file"]]
    assert len(named) == 3
    assert {f"pictures/{key.removeprefix(folder)}" for key in named} <= pictures
    key = named[0]
    kept = b"".join([chunk async for chunk in house.resources.storage.read(key)])
    assert archive.read(f"pictures/{key.removeprefix(folder)}") == kept


async def test_no_table_is_forgotten_and_no_secret_told() -> None:
    """A table that is new is exported, or its name is written down here with a reason."""
    ours = {table.__tablename__ for table in TABLES.values()}
    elsewhere = {"users", "channels"}  # account.json; Google's calls to us, secrets and times
    assert ours | elsewhere == set(Table.metadata.tables)
    for secret in ("sealed_tokens", "digest", "session_url", "token_digest"):
        columns = {column.name for table in TABLES.values() for column in table.__table__.columns}
        assert secret in LEFT_OUT or secret not in columns
    assert name_export(get_now()).endswith(".zip")


async def test_many_rows_come_in_pages(stage: WatchStage) -> None:
    source = await stage.add_source()
    async with stage.house.database.begin() as session:
        session.add_all(
            Upload(
                id=f"upload_{number:04}",
                user_id=stage.user.id,
                source_id=source.id,
                once=str(number),
                name="a.jpg",
                size_bytes=1,
            )
            for number in range(1203)
        )
    archive = await read_export(stage.house, stage.user.id)
    ids = [json.loads(line)["id"] for line in archive.read("uploads.jsonl").splitlines()]
    assert ids == [f"upload_{number:04}" for number in range(1203)]
