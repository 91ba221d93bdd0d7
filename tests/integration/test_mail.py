"""Mails are kept, sent once, tried again, and given up only when the server says so for good."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from comfyhoused.adapters.mail.smtp import MailServer
from comfyhoused.adapters.redis.client import Store, open_store
from comfyhoused.core.mail.mail import Mail
from comfyhoused.core.mail.post import post_mail
from comfyhoused.core.mail.send import list_unsent_mails, send_due_mails
from comfyhoused.kit.http.guard import make_guard
from comfyhoused.resources import Resources, make_storage
from comfyhoused.settings import HouseSettings, Settings
from tests.mail_server import PASSWORD, USER, MailPost, read_part
from tests.ports import take_port

MAIL = Mail("ada@example.com", "Grüße\nfrom the house", "Plain wörds", "<p>Wörds</p>")


@pytest.fixture
def post() -> Iterator[MailPost]:
    with MailPost() as server:
        yield server


@pytest.fixture
async def store(valkey_url: str, redis: object) -> AsyncIterator[Store]:
    async with open_store(valkey_url) as client:
        yield client


def make_resources(store: Store, folder: Path, server: MailServer | None, mode: str) -> Resources:
    settings = Settings()
    settings.house = HouseSettings(mode=mode, data_dir=folder)  # type: ignore[arg-type]
    guard = make_guard(settings.outbound)
    return Resources(settings, store, make_storage(settings), guard, server)


async def make_due(store: Store) -> None:
    """Let the pause before the next try be over."""
    for mail_id in await store.zrange("ch:1:mails", 0, -1):
        await store.zadd("ch:1:mails", {str(mail_id): 0})


async def count_kept(store: Store) -> int:
    return int(await store.zcard("ch:1:mails"))


async def test_a_mail_arrives_whole_and_once(store: Store, tmp_path: Path, post: MailPost) -> None:
    resources = make_resources(store, tmp_path, post.as_server(), "production")
    assert await post_mail(store, MAIL)
    assert await send_due_mails(resources) == 1
    assert await send_due_mails(resources) == 0
    (mail,) = post.mails
    assert mail["To"] == "ada@example.com"
    assert mail["From"] == "Comfyhouse <no-reply@house.example>"
    assert mail["Subject"] == "Grüße from the house"
    assert read_part(mail, "plain").strip() == "Plain wörds"
    assert read_part(mail, "html").strip() == "<p>Wörds</p>"
    assert not await store.keys("ch:1:mail:mail_*"), "its words stay nowhere"


async def test_of_all_like_it_only_the_first_is_posted(store: Store) -> None:
    answers = [await post_mail(store, MAIL, once="usage:ada:2026-11:80") for _ in range(3)]
    assert answers == [True, False, False]
    assert await post_mail(store, MAIL, once="usage:ada:2026-11:100")
    assert await count_kept(store) == 2


async def test_a_server_that_is_away_gets_it_later(
    store: Store, tmp_path: Path, post: MailPost
) -> None:
    nobody = MailServer("127.0.0.1", take_port(), "a@b.example", "none")
    await post_mail(store, MAIL)
    assert await send_due_mails(make_resources(store, tmp_path, nobody, "production")) == 0
    resources = make_resources(store, tmp_path, post.as_server(), "production")
    assert await send_due_mails(resources) == 0, "it pauses first"
    await make_due(store)
    assert await send_due_mails(resources) == 1


async def test_a_server_that_is_busy_gets_it_later(
    store: Store, tmp_path: Path, post: MailPost
) -> None:
    resources = make_resources(store, tmp_path, post.as_server(), "production")
    post.answer = "451 Try again"
    await post_mail(store, MAIL)
    assert await send_due_mails(resources) == 0
    assert await count_kept(store) == 1
    post.answer = "250 OK"
    await make_due(store)
    assert await send_due_mails(resources) == 1
    assert post.tries == 2


async def test_what_is_refused_for_good_is_not_tried_again(
    store: Store, tmp_path: Path, post: MailPost
) -> None:
    resources = make_resources(store, tmp_path, post.as_server(), "production")
    post.answer = "554 Never"
    await post_mail(store, MAIL)
    assert await send_due_mails(resources) == 0
    assert await count_kept(store) == 0


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
async def test_a_wrong_log_in_loses_no_mail(store: Store, tmp_path: Path) -> None:
    with MailPost(needs_login=True) as post:
        wrong = post.as_server(user=USER, password="guessed")
        await post_mail(store, MAIL)
        assert await send_due_mails(make_resources(store, tmp_path, wrong, "production")) == 0
        assert await count_kept(store) == 1
        await make_due(store)
        right = post.as_server(user=USER, password=PASSWORD)
        assert await send_due_mails(make_resources(store, tmp_path, right, "production")) == 1


async def test_two_workers_do_not_send_the_same_mail(
    store: Store, tmp_path: Path, post: MailPost
) -> None:
    resources = make_resources(store, tmp_path, post.as_server(), "production")
    for _ in range(30):
        await post_mail(store, MAIL)
    sent = [await send_due_mails(resources) for _ in range(3)]
    assert sum(sent) == 30
    assert len({mail["Message-ID"] for mail in post.mails}) == 30 == len(post.mails)


async def test_a_mail_that_is_too_late_is_never_sent(
    store: Store, tmp_path: Path, post: MailPost
) -> None:
    await post_mail(store, MAIL, good_for_seconds=1)
    for key in await store.keys("ch:1:mail:mail_*"):
        await store.pexpire(key, 1)
    while await store.keys("ch:1:mail:mail_*"):
        pass
    resources = make_resources(store, tmp_path, post.as_server(), "production")
    assert await send_due_mails(resources) == 0
    assert await count_kept(store) == 0


async def test_development_without_a_server_keeps_mails_to_look_at(
    store: Store, tmp_path: Path
) -> None:
    await post_mail(store, MAIL)
    assert await send_due_mails(make_resources(store, tmp_path, None, "development")) == 0
    assert await list_unsent_mails(store) == [MAIL]
    assert await count_kept(store) == 0


async def test_production_without_a_server_keeps_none(store: Store, tmp_path: Path) -> None:
    await post_mail(store, MAIL)
    await send_due_mails(make_resources(store, tmp_path, None, "production"))
    assert await list_unsent_mails(store) == []
    assert await count_kept(store) == 0


def test_nothing_secret_is_in_their_texts(post: MailPost) -> None:
    server = post.as_server(user=USER, password=PASSWORD)
    assert PASSWORD not in repr(server)
    assert "wörds" not in repr(MAIL)
