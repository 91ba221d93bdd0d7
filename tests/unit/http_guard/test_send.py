"""Webhooks on their way out: one try, whatever the receiver does with it."""

import asyncio

import pytest

from comfyhoused.kit.http.guard import WEBHOOK_PORTS
from comfyhoused.kit.http.send import MAX_EXCERPT_BYTES, Answer, send
from tests.outside import INNER, PUBLIC, Handler, Request, World, answer, make_head

LONG, SOON = 60.0, 0.5
BODY = b'{"type": "job.succeeded"}'


async def post(world: World, handler: Handler, *, seconds: float = LONG) -> Answer:
    world.names.table.setdefault("pictures.example.com", [[PUBLIC]])
    world.public.routes["/hook"] = handler
    headers = {"Content-Type": "application/json", "webhook-id": "msg_1"}
    url = world.url("/hook?a=b")
    return await send(world.guard, url, BODY, headers, timeout_seconds=seconds, ports=world.ports)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_an_accepted_delivery(world: World, status: int) -> None:
    posted = await post(world, answer(status, b"" if status == 204 else b"thanks"))
    assert posted.is_accepted
    assert (posted.status, posted.error) == (status, None)
    assert posted.excerpt == ("" if status == 204 else "thanks")
    assert posted.duration_seconds > 0
    (request,) = world.public.requests
    assert (request.method, request.target, request.body) == ("POST", "/hook?a=b", BODY)
    assert request.headers["content-type"] == "application/json"
    assert request.headers["webhook-id"] == "msg_1"


@pytest.mark.parametrize("status", [400, 401, 404, 410, 429, 500, 503])
async def test_a_refused_delivery_keeps_what_was_said(world: World, status: int) -> None:
    posted = await post(world, answer(status, "geht nicht: ä".encode()))
    assert not posted.is_accepted
    assert (posted.status, posted.excerpt, posted.error) == (status, "geht nicht: ä", None)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_an_answer_and_no_way(world: World, status: int) -> None:
    target = f"https://{INNER}:{world.inner.port}/"
    posted = await post(world, answer(status, headers={"Location": target}))
    assert (posted.status, posted.is_accepted) == (status, False)
    assert (world.public.connections, world.inner.connections) == (1, 0)


async def test_only_the_beginning_of_an_endless_answer_is_read(world: World) -> None:
    async def pour(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(make_head(200, {"Connection": "close"}))
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    posted = await post(world, pour)
    assert (posted.status, posted.excerpt) == (200, "x" * MAX_EXCERPT_BYTES)


async def test_a_status_counts_though_its_body_drips(world: World) -> None:
    async def drip(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(make_head(202, {"Content-Length": "900"}))
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    for seconds in (1, 5, 25):  # a busy machine may need more to get as far as the status
        posted = await post(world, drip, seconds=seconds)
        if posted.status is not None:
            break
    assert (posted.status, posted.error) == (202, None)
    assert set(posted.excerpt) == {"x"}


async def test_a_receiver_that_never_answers(world: World) -> None:
    async def hold(_: Request, __: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    posted = await post(world, hold, seconds=SOON)
    assert posted.status is None
    assert posted.error is not None
    assert posted.error.code == "url_timed_out"
    assert posted.duration_seconds >= SOON


async def test_a_head_that_drips(world: World) -> None:
    async def drip(_: Request, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"H")
            await writer.drain()
            await asyncio.sleep(0.05)

    posted = await post(world, drip, seconds=SOON)
    assert posted.error is not None
    assert posted.error.code in {"url_timed_out", "url_failed"}


async def test_a_receiver_that_hangs_up(world: World) -> None:
    async def hang_up(_: Request, __: asyncio.StreamWriter) -> None:
        return

    posted = await post(world, hang_up)
    assert posted.error is not None
    assert posted.error.code == "url_unreachable"
    assert len(world.public.requests) == 1


async def test_a_receiver_that_talks_nonsense(world: World) -> None:
    async def babble(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"-ERR unknown command\r\n\r\n")

    posted = await post(world, babble)
    assert posted.error is not None
    assert posted.error.code == "url_failed"


async def test_a_receiver_with_a_wrong_certificate(world: World) -> None:
    world.names.set("strange.example.com", [PUBLIC])
    posted = await send(
        world.guard,
        world.url(name="strange.example.com"),
        BODY,
        {},
        timeout_seconds=LONG,
        ports=world.ports,
    )
    assert posted.error is not None
    assert posted.error.code == "url_certificate_refused"
    assert world.public.requests == []


async def test_a_name_that_leads_inside(world: World) -> None:
    world.names.set("pictures.example.com", [INNER])
    posted = await post(world, answer())
    assert posted.error is not None
    assert posted.error.code == "url_refused"
    world.assert_untouched()


async def test_an_excerpt_is_harmless_text(world: World) -> None:
    posted = await post(world, answer(body=b"a\x00b\x1b[31mc\xff\r\nd\te"))
    assert posted.excerpt == "a\ufffdb\ufffd[31mc\ufffd\ufffd\nd\te"


async def test_a_header_cannot_carry_a_second_one(world: World) -> None:
    """Ours never do; should one ever come from a customer, nothing is sent."""
    world.names.set("pictures.example.com", [PUBLIC])
    headers = {"X-Name": "a\r\nAuthorization: b"}
    posted = await send(
        world.guard, world.url(), BODY, headers, timeout_seconds=LONG, ports=world.ports
    )
    assert posted.status is None
    assert world.public.requests == []


@pytest.mark.parametrize("port", sorted(WEBHOOK_PORTS))
def test_receivers_may_listen_there(world: World, port: int) -> None:
    assert world.guard.check_form(f"https://a.example.com:{port}/", WEBHOOK_PORTS).port == port
