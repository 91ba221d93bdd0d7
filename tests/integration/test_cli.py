"""The command line beside a real Redis: keys, the doctor, and what it says when something lacks."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from redis.asyncio import Redis

from comfyhoused import cli
from comfyhoused.adapters.postgres.database import open_database
from comfyhoused.embedded.running import Running, find_running, forget_running, save_running
from tests.creator_sign_in import create_user
from tests.ports import take_port
from tests.postgres import TestPostgres

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in an empty folder; returns exit code, output and errors."""
    monkeypatch.chdir(tmp_path)

    def run_command(*arguments: str, **environment: str) -> tuple[int, str, str]:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("sys.argv", ["comfyhoused", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        output = capsys.readouterr()
        return int(ended.value.code or 0), output.out, output.err

    return run_command


@pytest.fixture
def empty_redis(valkey_url: str) -> str:
    """The session's Valkey, emptied; a plain test has no event loop for the `redis` fixture."""

    async def empty() -> None:
        async with Redis.from_url(valkey_url) as client:
            await client.flushdb()

    asyncio.run(empty())
    return valkey_url


def test_a_key_is_made_listed_and_revoked(run: Run, empty_redis: str) -> None:
    code, secret, note = run("keys", "create", "--account", "ada", CH_REDIS_URL=empty_redis)
    assert code == 0
    assert re.fullmatch(r"sk_live_\w{49}\n", secret)
    [key_id] = re.findall(r"key_\w+", note)
    _, listed, _ = run("keys", "list")
    assert key_id in listed
    assert "live" in listed
    assert secret.strip() not in listed
    assert run("keys", "revoke", key_id) == (0, f"{key_id} is revoked.\n", "")
    assert "revoked" in run("keys", "list")[1]


@pytest.mark.parametrize("account", ["", "ada:test", "a b", "a\n"])
def test_an_account_cannot_look_like_anothers(run: Run, empty_redis: str, account: str) -> None:
    """`account:ada:test` is who owns what test keys of ada make."""
    code, _, note = run("keys", "create", "--account", account, CH_REDIS_URL=empty_redis)
    assert (code, run("keys", "list")[1]) == (1, "")
    assert "account" in note


def test_a_test_key_is_marked(run: Run, empty_redis: str) -> None:
    _, secret, _ = run("keys", "create", "--test", CH_REDIS_URL=empty_redis)
    assert secret.startswith("sk_test_")


def test_an_unknown_key_is_said(run: Run, empty_redis: str) -> None:
    code, _, said = run("keys", "revoke", "key_x", CH_REDIS_URL=empty_redis)
    assert (code, said) == (1, "comfyhoused: No key 'key_x'.\n")


def test_the_doctor_misses_a_worker(run: Run, empty_redis: str) -> None:
    code, report, _ = run("doctor", CH_REDIS_URL=empty_redis)
    assert code == 1
    assert re.search(r"ok +redis", report)
    assert re.search(r"ok +storage", report)
    assert re.search(r"WRONG +backends .*no worker", report)


def test_no_redis_is_said_in_one_sentence(run: Run) -> None:
    code, _, said = run("keys", "list")
    assert code == 1
    assert said.startswith("comfyhoused: CH_REDIS_URL is not set")
    code, _, said = run("keys", "list", CH_REDIS_URL=f"redis://127.0.0.1:{take_port()}/0")
    assert code == 1
    assert said.startswith("comfyhoused: Redis does not answer")


def test_a_folder_that_is_no_comfyui_is_said(run: Run, tmp_path: Path) -> None:
    code, _, said = run("nodes", "install", str(tmp_path))
    assert code == 1
    assert "does not look like ComfyUI" in said


def test_commands_find_the_house_that_runs_here(run: Run, empty_redis: str, tmp_path: Path) -> None:
    running = Running("http://127.0.0.1:1", empty_redis, "http://127.0.0.1:2")
    (tmp_path / "var").mkdir()
    save_running(tmp_path / "var", running)
    assert find_running(tmp_path / "var") == running
    assert run("keys", "list") == (0, "", "")
    forget_running(tmp_path / "var")
    assert run("keys", "list")[0] == 1


def test_a_key_is_rotated(run: Run, empty_redis: str) -> None:
    _, secret, note = run("keys", "create", "--account", "ada", CH_REDIS_URL=empty_redis)
    [old] = re.findall(r"key_\w+", note)
    code, new_secret, note = run("keys", "rotate", old, "--hours", "0")
    assert (code, new_secret == secret) == (0, False)
    assert re.search(rf"{old} .*expired .*ada", run("keys", "list")[1])
    assert run("keys", "rotate", old)[0] == 1


def test_a_key_gets_the_scopes_that_were_asked_for(run: Run, empty_redis: str) -> None:
    code, _, said = run("keys", "create", "--scopes", "jobs:fly", CH_REDIS_URL=empty_redis)
    assert (code, "jobs:fly" in said) == (1, True)
    assert run("keys", "create", "--scopes", "jobs:read", "--days", "3")[0] == 0


def test_an_account_is_made_changed_stopped_and_resumed(run: Run, empty_redis: str) -> None:
    code, said, _ = run("accounts", "create", "Ada@example.com", CH_REDIS_URL=empty_redis)
    account = said.strip()
    assert (code, account[:5]) == (0, "acct_")
    assert run("accounts", "create", "ada+x@example.com")[0] == 1, "it is the same mailbox"
    assert re.search(r"pro +Ada@example.com", run("accounts", "plan", account, "pro")[1])
    assert run("accounts", "plan", account, "gold")[0] == 1
    assert "stopped: Unpaid." in run("accounts", "stop", account, "--reason", "Unpaid.")[1]
    assert "stopped: Unpaid." in run("accounts", "list")[1]
    assert "stopped" not in run("accounts", "resume", account)[1]
    code, _, said = run("accounts", "stop", "nobody")
    assert (code, said) == (1, "comfyhoused: No account 'nobody'.\n")


def test_a_link_is_printed(run: Run, empty_redis: str) -> None:
    _, account, _ = run("accounts", "create", "ada@example.com", CH_REDIS_URL=empty_redis)
    code, link, _ = run("accounts", "link", account.strip())
    assert code == 0
    assert re.fullmatch(r"http://127.0.0.1:8000/console/sign-in/[\w-]{43}\n", link)
    assert run("accounts", "link", "nobody")[0] == 1


def test_the_doctor_says_where_nobody_can_sign_in(run: Run, empty_redis: str) -> None:
    _, report, _ = run("doctor", CH_REDIS_URL=empty_redis)
    assert re.search(r"ok +mail", report)
    _, report, _ = run("doctor", CH_MODE="production", CH_SECRET="s" * 40)
    assert re.search(r"WRONG +mail .*CH_SMTP_HOST", report)


def test_users_are_listed_and_put_on_plans(
    run: Run, empty_redis: str, postgres: TestPostgres
) -> None:
    url = postgres.make_database()

    async def come_in() -> str:
        database = open_database(url)
        user = await create_user(database, "ada@example.com")
        await database.aclose()
        return user.id

    user_id = asyncio.run(come_in())
    addresses = {"CH_REDIS_URL": empty_redis, "CH_DATABASE_URL": url}
    assert "free      ada@example.com" in run("users", "list", **addresses)[1]
    assert "studio    ada@example.com" in run("users", "plan", "ada@example.com", "studio")[1]
    assert "creator   ada@example.com" in run("users", "plan", user_id, "creator")[1]
    code, _, words = run("users", "plan", "nobody@example.com", "studio")
    assert (code, "comfyhoused users list" in words) == (1, True)
    code, _, words = run("users", "plan", user_id, "gold")
    assert (code, "free, creator, studio" in words) == (1, True)


def test_users_without_a_database_and_before_it_is_migrated(
    run: Run, empty_redis: str, postgres: TestPostgres
) -> None:
    code, _, words = run("users", "list", CH_REDIS_URL=empty_redis)
    assert (code, "CH_DATABASE_URL" in words) == (1, True)
    code, _, words = run("users", "list", CH_DATABASE_URL=postgres.make_empty_database())
    assert (code, "comfyhoused migrate" in words) == (1, True)


def test_migrating_makes_the_tables_once(
    run: Run, empty_redis: str, postgres: TestPostgres
) -> None:
    addresses = {"CH_REDIS_URL": empty_redis, "CH_DATABASE_URL": postgres.make_empty_database()}
    assert "brought there now" in run("migrate", **addresses)[1]
    assert run("migrate")[1].count("Nothing to do.") == 2
    assert run("users", "list") == (0, "", "")
