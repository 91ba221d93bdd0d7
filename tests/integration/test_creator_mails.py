"""Creator's mails: results at most hourly, problems at once, each told once, ended by one click."""

import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from comfyhoused.core.mail.send import send_due_mails
from comfyhoused.creator.digests import (
    DIGEST_PAUSE,
    FAILURES_PAUSE,
    GATHER_PAUSE,
    PROBLEM_PAUSE,
    send_digests,
)
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.notifications import Mailing, notify
from comfyhoused.creator.opening import open_creator
from comfyhoused.creator.tables import Edit, Notification, Photo, Source, User
from comfyhoused.resources import open_resources
from comfyhoused.settings import Settings
from tests.creator_sign_in import create_user
from tests.house import SECRET
from tests.mail_server import MailPost, read_part
from tests.near_app import open_near_app

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture
def post() -> Iterator[MailPost]:
    with MailPost() as server:
        yield server


@pytest.fixture
async def creator(
    redis: object,
    valkey_url: str,
    database_url: str,
    post: MailPost,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[CreatorHouse]:
    """Creator's side of a house whose mails go to `post`."""
    environment = {
        "CH_REDIS_URL": valkey_url,
        "CH_DATABASE_URL": database_url,
        "CH_DATA_DIR": str(tmp_path),
        "CH_SECRET": SECRET,
        "CH_PUBLIC_URL": "https://photos.example",
        **post.environment,
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    async with open_resources(Settings.load()) as resources, open_creator(resources) as house:
        yield house


@pytest.fixture
async def ada(creator: CreatorHouse) -> User:
    return await create_user(creator.database)


async def tell(
    creator: CreatorHouse,
    user: User,
    once: str,
    mail: Mailing,
    at: datetime = START,
    *,
    kind: str = "k",
) -> None:
    """Tell the user something, as if it had happened then."""
    async with creator.database.begin() as session:
        title = f"“{once}.jpg” is ready"
        await notify(session, user.id, kind, once, title, "It is in Raw.", "/creator/edits/1", mail)
        mine = update(Notification).where(Notification.once == once)
        await session.execute(mine.values(created_at=at))


async def begin_edit(creator: CreatorHouse, user: User, name: str = "one") -> None:
    """Have an edit under way."""
    mine = {"user_id": user.id, "source_id": name}
    source = Source(
        id=name, user_id=user.id, kind="local", name="Raw", raw_key="", edited_key="",
        preset="cinematic", state="active",
    )  # fmt: skip
    photo = Photo(id=name, file_key="", revision="", name="a.jpg", **mine)
    edit = Edit(
        id=name, photo_id=name, preset="cinematic", preset_version="1", strength=60,
        parameters_digest="", job_id=name, state="running", **mine,
    )  # fmt: skip
    async with creator.database.begin() as session:
        for row in (source, photo, edit):
            session.add(row)
            await session.flush()


async def end_edits(creator: CreatorHouse) -> None:
    """Have no edit under way any more."""
    async with creator.database.begin() as session:
        await session.execute(update(Edit).values(state="failed"))


async def send(creator: CreatorHouse, at: datetime) -> int:
    """Do the chores that make mails and send them, as if it were then."""
    await send_digests(creator, at=at)
    return await send_due_mails(creator.resources)


async def test_results_come_in_one_mail_an_hour(
    creator: CreatorHouse, ada: User, post: MailPost
) -> None:
    for name in ("one", "two"):
        await tell(creator, ada, name, "digest")
    assert await send(creator, START + SECOND) == 1
    await tell(creator, ada, "three", "digest", START + 2 * SECOND)
    assert await send(creator, START + DIGEST_PAUSE) == 0
    assert await send(creator, START + DIGEST_PAUSE + 2 * SECOND) == 1
    first, second = post.mails
    assert first["Subject"] == "2 pictures are ready"
    assert second["Subject"] == "“three.jpg” is ready"
    for kind in ("plain", "html"):
        words = read_part(first, kind)
        assert "“one.jpg” is ready" in words
        assert "https://photos.example/creator/" in words
        assert "three" not in words
    assert await send(creator, START + 9 * DIGEST_PAUSE) == 0


async def test_results_wait_for_each_other_while_edits_are_under_way(
    creator: CreatorHouse, ada: User
) -> None:
    await begin_edit(creator, ada)
    await tell(creator, ada, "one", "digest")
    assert await send(creator, START + SECOND) == 0
    assert await send(creator, START + GATHER_PAUSE) == 1


async def test_a_problem_is_told_at_once_and_a_flood_of_them_together(
    creator: CreatorHouse, ada: User, post: MailPost
) -> None:
    await tell(creator, ada, "first", "now")
    await tell(creator, ada, "result", "digest")
    await send(creator, START)
    now = datetime.now(UTC)
    for number in range(40):
        await tell(creator, ada, f"more {number}", "now", now)
    assert await send(creator, now) == 0
    assert await send(creator, now + PROBLEM_PAUSE + SECOND) == 1
    subjects = [str(mail["Subject"]) for mail in post.mails]
    assert sorted(subjects) == [
        "40 things need you",
        "“first.jpg” is ready",
        "“result.jpg” is ready",
    ]
    flood = next(mail for mail in post.mails if "40" in str(mail["Subject"]))
    assert "And 28 more." in read_part(flood, "plain")


async def test_a_hundred_failures_are_one_mail(
    creator: CreatorHouse, ada: User, post: MailPost
) -> None:
    await begin_edit(creator, ada)  # the batch is under way
    for number in range(100):
        at = START + timedelta(milliseconds=500 * number)
        await tell(creator, ada, f"photo {number}", "now", at, kind="edit_failed")
        if number % 20 == 0:
            assert await send(creator, at) == 0
    await end_edits(creator)
    assert await send(creator, START + timedelta(minutes=1)) == 1
    assert [str(mail["Subject"]) for mail in post.mails] == ["100 things need you"]
    assert await send(creator, START + PROBLEM_PAUSE * 2) == 0


async def test_failures_wait_for_a_long_batch_no_longer_than_minutes_and_no_other_problem_waits(
    creator: CreatorHouse, ada: User
) -> None:
    await begin_edit(creator, ada)
    await tell(creator, ada, "photo", "now", kind="edit_failed")
    assert await send(creator, START + SECOND) == 0
    assert await send(creator, START + FAILURES_PAUSE) == 1
    eve = await create_user(creator.database, "eve@example.com")
    await begin_edit(creator, eve, "of eve")
    await tell(creator, eve, "photo", "now", kind="edit_failed")
    await tell(creator, eve, "reconnect", "now", kind="reconnect")
    assert await send(creator, START + SECOND) == 1


async def test_a_worker_that_dies_after_posting_posts_nothing_twice(
    creator: CreatorHouse, ada: User, post: MailPost
) -> None:
    await tell(creator, ada, "one", "digest")
    await send(creator, START + SECOND)
    async with creator.database.begin() as session:  # as if it had died before it noted that
        await session.execute(update(Notification).values(mailed_at=None))
    assert await send_digests(creator, at=START + 2 * SECOND) == 0
    assert await send(creator, START + 9 * DIGEST_PAUSE) == 0
    assert len(post.mails) == 1
    async with creator.database.begin() as session:
        assert (await session.scalars(select(Notification.mailed_at))).one() is not None


async def test_what_nobody_wants_is_not_mailed_later_either(
    creator: CreatorHouse, ada: User
) -> None:
    await turn_mails(creator, results=False)
    await tell(creator, ada, "one", "digest")
    assert await send(creator, START + SECOND) == 0
    await turn_mails(creator, results=True)
    assert await send(creator, START + 9 * DIGEST_PAUSE) == 0


async def test_a_reader_ends_mails_by_one_click_and_a_look_ends_nothing(
    creator: CreatorHouse, ada: User, post: MailPost
) -> None:
    await tell(creator, ada, "one", "digest")
    await send(creator, START + SECOND)
    (mail,) = post.mails
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    [url] = re.findall(r"<(https://\S+)>", str(mail["List-Unsubscribe"]).replace("\r\n", ""))
    assert url in read_part(mail, "plain")
    path = url.removeprefix("https://photos.example")
    async with open_near_app(creator.resources.settings) as stranger:
        assert "End these mails?" in (await stranger.get(path)).text
        assert await read_wishes(creator) == (True, True)
        forged = await stranger.post(path.replace("/results/", "/problems/"))
        assert forged.status_code == 404
        click = await stranger.post(path, data={"List-Unsubscribe": "One-Click"})
        assert click.status_code == 200
        assert "No more of these mails" in click.text
        assert await read_wishes(creator) == (False, True)
        assert (await stranger.post(path)).status_code == 200


async def turn_mails(creator: CreatorHouse, *, results: bool) -> None:
    async with creator.database.begin() as session:
        await session.execute(update(User).values(mail_results=results))


async def read_wishes(creator: CreatorHouse) -> tuple[bool, bool]:
    async with creator.database.begin() as session:
        row = (await session.execute(select(User.mail_results, User.mail_problems))).one()
    return row.mail_results, row.mail_problems
