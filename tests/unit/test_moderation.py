"""The operator's judge: an address or a program, and what its silence means."""

import asyncio
import json
import shlex
import sys
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from aiohttp import web

from comfyhoused.adapters.moderation.command import CommandModerator
from comfyhoused.adapters.moderation.http import HttpModerator
from comfyhoused.adapters.moderation.moderator import ModeratorDown, Verdict, read_verdict
from comfyhoused.core.moderation.asking import ContentRefused, ModerationDown, ask
from comfyhoused.kit.http.errors import UrlRefused

QUESTION = {"stage": "before", "texts": [{"text": "grüße"}]}


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ('{"allowed": true}', Verdict(True)),
        ('{"allowed": false, "reason": "no\\nboats", "more": 1}', Verdict(False, "noboats")),
        ('{"allowed": false, "reason": 5}', Verdict(False)),
        (json.dumps({"allowed": False, "reason": "x" * 900}), Verdict(False, "x" * 300)),
    ],
)
def test_verdicts(answer: str, verdict: Verdict) -> None:
    assert read_verdict(answer) == verdict


@pytest.mark.parametrize("answer", ["", "yes", "[]", "{}", '{"allowed": 1}', '{"allowed": "true"}'])
def test_no_verdicts(answer: str) -> None:
    with pytest.raises(ModeratorDown):
        read_verdict(answer)


def make_command(program: str, timeout_seconds: float = 20) -> CommandModerator:
    return CommandModerator(
        f"{shlex.quote(sys.executable)} -c {shlex.quote(program)}", timeout_seconds
    )


async def test_program_reads_the_question_and_writes_the_verdict() -> None:
    program = """
import json, sys
text = json.load(sys.stdin)["texts"][0]["text"]
print(json.dumps({"allowed": text != "grüße", "reason": text}))
"""
    assert await make_command(program).judge(QUESTION) == Verdict(False, "grüße")


async def test_program_may_answer_without_reading() -> None:
    large = {"stage": "before", "texts": ["x" * 1_000_000]}
    assert await make_command("""print('{"allowed": true}')""").judge(large) == Verdict(True)


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("raise SystemExit(3)", "ended with status"),
        ("print('x' * 100_000)", "more than 16,384 bytes"),
        ("print('maybe')", "not JSON"),
    ],
)
async def test_program_that_fails(program: str, reason: str) -> None:
    with pytest.raises(ModeratorDown, match=reason):
        await make_command(program).judge(QUESTION)


async def test_program_that_hangs_is_killed() -> None:
    moderator = make_command("import time; time.sleep(600)", timeout_seconds=0.5)
    with pytest.raises(ModeratorDown, match=r"longer than 0\.5 s"):
        await moderator.judge(QUESTION)


async def test_program_that_is_not_there() -> None:
    with pytest.raises(ModeratorDown, match="cannot be started"):
        await CommandModerator("/nowhere/judge", 20).judge(QUESTION)


class Judge:
    """A server that answers as it is told, and remembers what it was asked."""

    def __init__(self) -> None:
        self.status = 200
        self.body: Any = {"allowed": True}
        self.asked: list[tuple[Mapping[str, str], Any]] = []
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        self.asked.append((request.headers, await request.json()))
        return web.json_response(self.body, status=self.status)


@pytest.fixture
async def judge() -> AsyncIterator[Judge]:
    judge = Judge()
    app = web.Application()
    app.router.add_post("/judge", judge.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    judge.url = f"http://127.0.0.1:{runner.addresses[0][1]}/judge"
    yield judge
    await runner.cleanup()


async def test_address_is_asked(judge: Judge) -> None:
    judge.body = {"allowed": False, "reason": "no boats"}
    verdict = await HttpModerator(judge.url, "s3cret", 20).judge(QUESTION)
    assert verdict == Verdict(False, "no boats")
    ((headers, question),) = judge.asked
    assert question == QUESTION
    assert headers["Authorization"] == "Bearer s3cret"


@pytest.mark.parametrize("status", [302, 404, 500])
async def test_address_that_answers_something_else(judge: Judge, status: int) -> None:
    judge.status = status
    with pytest.raises(ModeratorDown, match=str(status)):
        await HttpModerator(judge.url, None, 20).judge(QUESTION)


async def test_address_that_nobody_answers() -> None:
    with pytest.raises(ModeratorDown):
        await HttpModerator("http://127.0.0.1:1/judge", None, 20).judge(QUESTION)
    with pytest.raises(UrlRefused):
        HttpModerator("judge.example", None, 20)


class Script:
    """A judge that gives one answer after the other; None: it is down."""

    def __init__(self, *answers: Verdict | None) -> None:
        self.answers = [*answers]

    async def judge(self, _: Mapping[str, Any]) -> Verdict:
        await asyncio.sleep(0)
        answer = self.answers.pop(0)
        if answer is None:
            raise ModeratorDown("asleep")
        return answer


async def test_one_that_was_down_for_a_moment_is_asked_again() -> None:
    script = Script(None, None, Verdict(True))
    await ask(script, QUESTION, when_down="refuse")
    assert script.answers == []


async def test_refused_with_its_reason() -> None:
    with pytest.raises(ContentRefused, match="no boats"):
        await ask(Script(Verdict(False, "no boats")), QUESTION, when_down="allow")


async def test_silence_refuses_or_allows_as_the_operator_wants() -> None:
    with pytest.raises(ModerationDown):
        await ask(Script(None, None, None), QUESTION, when_down="refuse")
    script = Script(None, None, None)
    await ask(script, QUESTION, when_down="allow")
    assert script.answers == []
