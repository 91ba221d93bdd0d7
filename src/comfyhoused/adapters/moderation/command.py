"""A judge that is a program on this machine: the question on its input, the verdict on its output.

It is started for each question, without a shell, and killed when its time is over.
"""

import asyncio
import json
import shlex
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from comfyhoused.adapters.moderation.moderator import (
    MAX_ANSWER_BYTES,
    ModeratorDown,
    Verdict,
    read_verdict,
)

_MOST_AT_ONCE = 8


class CommandModerator:
    """Starts a program; at most so many at once, the other questions wait within their time."""

    def __init__(self, command: str, timeout_seconds: float) -> None:
        self._words = shlex.split(command)
        self._timeout_seconds = timeout_seconds
        self._turns = asyncio.Semaphore(_MOST_AT_ONCE)

    async def judge(self, question: Mapping[str, Any]) -> Verdict:
        """Return the verdict; raises ModeratorDown."""
        try:
            async with asyncio.timeout(self._timeout_seconds), self._turns:
                return read_verdict(await self._run(json.dumps(question).encode()))
        except TimeoutError as error:
            raise ModeratorDown(f"it took longer than {self._timeout_seconds:g} s") from error
        except OSError as error:
            raise ModeratorDown(f"it cannot be started: {error.strerror}") from error

    async def _run(self, question: bytes) -> str:
        process = await asyncio.create_subprocess_exec(
            *self._words, stdin=PIPE, stdout=PIPE, stderr=DEVNULL
        )
        try:
            answer = await _converse(process, question)
            status = await process.wait()
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if status != 0:
            raise ModeratorDown(f"it ended with status {status}")
        return answer


async def _converse(process: Process, question: bytes) -> str:
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(BrokenPipeError, ConnectionResetError):  # it may answer without reading all
        process.stdin.write(question)
        await process.stdin.drain()
        process.stdin.close()
    answer = b""
    while len(answer) <= MAX_ANSWER_BYTES:
        chunk = await process.stdout.read(MAX_ANSWER_BYTES)
        if not chunk:
            break
        answer += chunk
    if len(answer) > MAX_ANSWER_BYTES:
        raise ModeratorDown(f"its answer has more than {MAX_ANSWER_BYTES:,} bytes")
    return answer.decode("utf-8", "replace")
