"""What the Python SDK does when the server behaves badly: against a server of the tests' own."""

import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from standardwebhooks.webhooks import Webhook

from comfyhouse import (
    AsyncClient,
    ConnectionFailed,
    LimitReached,
    RetryPolicy,
    ServerFailed,
    SignatureInvalid,
    verify_webhook,
)
from comfyhoused.api.job_responses import JobResponse

_EXAMPLE: Any = JobResponse.model_config["json_schema_extra"]
_JOB = {**_EXAMPLE["examples"][0], "job_id": "j", "status": "queued"}
Answer = Callable[[int, web.Request], web.StreamResponse]


@asynccontextmanager
async def serve(answer: Answer) -> AsyncIterator[tuple[AsyncClient, list[web.Request]]]:
    requests: list[web.Request] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        await request.read()
        requests.append(request)
        return answer(len(requests), request)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    policy = RetryPolicy(first_pause=0.001)
    try:
        async with AsyncClient("sk_test_x", base_url=url, retries=policy) as client:
            yield client, requests
    finally:
        await runner.cleanup()


def cut_off(_: int, request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def test_a_submission_is_repeated_with_the_same_idempotency_key() -> None:
    def answer(count: int, _: web.Request) -> web.StreamResponse:
        if count < 3:
            return web.json_response({"code": "store_unavailable", "retryable": True}, status=503)
        return web.json_response(_JOB, status=202)

    async with serve(answer) as (client, requests):
        assert (await client.jobs.submit("a boat")).job_id == "j"

    keys = [request.headers["Idempotency-Key"] for request in requests]
    assert (len(keys), len(set(keys))) == (3, 1)


async def test_a_connection_that_breaks_is_tried_again_and_given_up_in_the_end() -> None:
    async with serve(cut_off) as (client, requests):
        with pytest.raises(ConnectionFailed):
            await client.jobs.get("j")

    assert len(requests) >= 5


async def test_a_limit_that_time_does_not_mend_is_not_tried_again() -> None:
    def answer(_: int, __: web.Request) -> web.StreamResponse:
        return web.json_response({"code": "quota_exceeded", "retryable": False}, status=429)

    async with serve(answer) as (client, requests):
        with pytest.raises(LimitReached):
            await client.jobs.submit("a boat")

    assert len(requests) == 1


async def test_what_is_no_problem_document_is_told_all_the_same() -> None:
    def answer(_: int, __: web.Request) -> web.StreamResponse:
        return web.Response(text="<h1>Bad gateway</h1>", status=502)

    async with serve(answer) as (client, requests):
        with pytest.raises(ServerFailed):
            await client.jobs.get("j")

    assert len(requests) == 5


async def test_a_stream_that_breaks_off_goes_on_behind_the_last_event() -> None:
    def answer(count: int, request: web.Request) -> web.StreamResponse:
        assert count == 1 or request.headers["Last-Event-ID"] == "1-0"
        event = ("1-0", "job.queued") if count == 1 else ("2-0", "job.succeeded")
        text = f"id: {event[0]}\nevent: {event[1]}\ndata: {{}}\n\n"
        return web.Response(text=text, content_type="text/event-stream")

    async with serve(answer) as (client, requests):
        ids = [event.id async for event in client.jobs.follow("j")]

    assert (ids, len(requests)) == (["1-0", "2-0"], 2)


def test_a_webhook_is_trusted_only_with_its_signature() -> None:
    secret = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes, ok").decode()
    other = "whsec_" + base64.b64encode(b"some other secret of 32 bytes ok").decode()
    body = json.dumps({"type": "job.succeeded", "data": {}})

    def sign(at: datetime) -> dict[str, str]:
        return {
            "Webhook-Id": "msg_1",
            "Webhook-Timestamp": str(int(at.timestamp())),
            "Webhook-Signature": Webhook(secret).sign("msg_1", at, body),
        }

    now = datetime.now(UTC)
    assert verify_webhook(secret, sign(now), body.encode())["type"] == "job.succeeded"
    for faulty in (
        (other, sign(now), body),
        (secret, sign(now), body + " "),
        (secret, sign(now - timedelta(minutes=10)), body),
    ):
        with pytest.raises(SignatureInvalid):
            verify_webhook(*faulty)
