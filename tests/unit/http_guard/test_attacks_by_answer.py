"""Servers that are public and hostile: where they redirect to, and what they send."""

import asyncio
import gzip
import ssl
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from comfyhoused.kit.errors import ComfyhouseError
from comfyhoused.kit.http.errors import (
    NOT_PUBLIC,
    UrlCertificateRefused,
    UrlFailed,
    UrlRefused,
    UrlTimedOut,
    UrlTooLarge,
    UrlUnreachable,
)
from comfyhoused.kit.http.exchange import open_exchange
from comfyhoused.kit.http.fetch import FetchLimits, open_fetch
from comfyhoused.kit.http.guard import Route
from comfyhoused.kit.http.url import parse_url
from tests.certificates import Authority
from tests.outside import (
    INNER,
    PUBLIC,
    Handler,
    Names,
    Request,
    Server,
    World,
    answer,
    make_guard,
    make_head,
)

#: Long for what must succeed. What must be cut off waits for `SOON` only.
LONG, SOON = 60.0, 0.5


async def fetch(
    world: World, path: str = "/", *, max_bytes: int = 1000, seconds: float = LONG
) -> bytes:
    world.names.table.setdefault("pictures.example.com", [[PUBLIC]])
    limits = FetchLimits(max_bytes, seconds, world.ports)
    async with open_fetch(world.guard, world.url(path), limits) as fetched:
        return b"".join([chunk async for chunk in fetched.chunks])


async def expect(
    kind: type[ComfyhouseError], world: World, handler: Handler, *, seconds: float = LONG
) -> ComfyhouseError:
    """Fetch from this handler; return the error, which is exactly of this kind."""
    world.public.routes["/"] = handler
    with pytest.raises(kind) as raised:
        await fetch(world, seconds=seconds)
    assert type(raised.value) is kind
    assert world.inner.connections == 0
    return raised.value


def redirect(location: str, status: int = 302) -> Handler:
    return answer(status, headers={"Location": location})


@pytest.mark.parametrize(
    "location",
    [
        "https://127.0.0.2:{p}/secret",
        "https://inner.example.com:{p}/secret",
        "//127.0.0.2:{p}/secret",
        "//inner.example.com:{p}/secret",
        "https://2130706434:{p}/",
        "https://[::ffff:127.0.0.2]:{p}/",
        "https://169.254.169.254/latest/meta-data/",
        "https://localhost:{p}/",
        "https://user:secret@pictures.example.com:{p}/",
        "https://pictures.example.com:22/",
        "http://pictures.example.com:{p}/",
        "file:///etc/passwd",
        "gopher://127.0.0.2:{p}/",
        "javascript:alert(1)",
        "data:image/png;base64,AAAA",
        "https:///etc/passwd",
        "\\\\127.0.0.2:{p}\\secret",
        "/\\127.0.0.2:{p}/",
        "https://[::1",
        "https://pictures.example.com:{p}/\x01",
        "/a b",
    ],
)
@pytest.mark.parametrize("status", [302, 308])
async def test_a_redirect_is_checked_like_the_first_address(
    world: World, location: str, status: int
) -> None:
    world.names.set("inner.example.com", [INNER])
    where = location.replace("{p}", str(world.public.port))
    await expect(UrlRefused, world, redirect(where, status))
    assert world.public.connections == 1


async def test_a_redirect_to_a_name_that_turned_inner_is_refused(world: World) -> None:
    """The name is the same as in the first step; its answer is not."""
    world.names.set("pictures.example.com", [PUBLIC], [INNER])
    error = await expect(UrlRefused, world, redirect("/next"))
    assert error.detail == NOT_PUBLIC
    assert world.public.connections == 1


async def test_a_redirect_loop_ends_after_three(world: World) -> None:
    await expect(UrlFailed, world, redirect("/"))
    assert [request.target for request in world.public.requests] == ["/"] * 4


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_to_nowhere_is_a_loop(world: World, status: int) -> None:
    await expect(UrlFailed, world, answer(status))


@pytest.mark.parametrize("status", [201, 204, 206, 300, 304, 305, 400, 401, 403, 404, 429, 500])
async def test_any_other_status_is_a_failure(world: World, status: int) -> None:
    error = await expect(UrlFailed, world, answer(status, headers={"Location": "/"}))
    assert str(status) in error.detail


async def test_a_length_beyond_the_limit_is_refused_unread(world: World) -> None:
    await expect(UrlTooLarge, world, answer(headers={"Content-Length": "1001"}))


async def test_a_length_beyond_reason_is_refused(world: World) -> None:
    await expect(UrlTooLarge, world, answer(headers={"Content-Length": "9" * 18}))


async def test_a_length_larger_than_the_body_is_a_failure(world: World) -> None:
    await expect(UrlFailed, world, answer(body=b"short", headers={"Content-Length": "900"}))


async def test_bytes_behind_the_length_are_never_taken(world: World) -> None:
    """Refused, or cut at the length, as they arrive with the head or after it."""
    world.public.routes["/"] = answer(body=b"x" * 5000, headers={"Content-Length": "10"})
    content = b"x" * 10
    with suppress(UrlFailed):
        content = await fetch(world)
    assert content == b"x" * 10
    assert len(world.public.requests) == 1


async def test_an_endless_body_is_cut_at_the_limit(world: World) -> None:
    sent = 0

    async def pour(_: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(make_head(200, {"Connection": "close"}))
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()
            sent += 65536

    await expect(UrlTooLarge, world, pour)
    assert sent < 50_000_000


async def test_endless_chunks_are_cut_at_the_limit(world: World) -> None:
    async def pour(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(make_head(200, {"Transfer-Encoding": "chunked"}))
        while True:
            writer.write(b"400\r\n" + b"x" * 1024 + b"\r\n")
            await writer.drain()

    await expect(UrlTooLarge, world, pour)


async def test_a_body_that_drips_is_cut_by_the_clock(world: World) -> None:
    async def drip(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(make_head(200, {"Content-Length": "900"}))
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    await expect(UrlTimedOut, world, drip, seconds=SOON)


async def test_a_head_that_drips_is_cut_by_the_clock(world: World) -> None:
    async def drip(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"X-Drip: drop\r\n")
            await writer.drain()
            await asyncio.sleep(0.05)

    await expect(UrlTimedOut, world, drip, seconds=SOON)


async def test_endless_interim_answers_are_cut_by_the_clock(world: World) -> None:
    async def promise(_: Request, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n")
            await writer.drain()
            await asyncio.sleep(0.02)

    await expect(UrlTimedOut, world, promise, seconds=SOON)


async def test_redirects_share_one_clock(world: World) -> None:
    async def dawdle(_: Request, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(SOON * 0.6)
        writer.write(make_head(302, {"Location": "/", "Content-Length": "0"}))

    await expect(UrlTimedOut, world, dawdle, seconds=SOON)


async def test_a_server_that_never_answers_is_cut_by_the_clock(world: World) -> None:
    async def hold(_: Request, __: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    await expect(UrlTimedOut, world, hold, seconds=SOON)


async def test_a_name_server_that_never_answers_is_cut_by_the_clock(world: World) -> None:
    async def hold(_: str) -> list[str]:
        await asyncio.Event().wait()
        return []

    guard = replace(world.guard, resolve=hold)
    with pytest.raises(UrlTimedOut):
        async with open_fetch(guard, world.url(), FetchLimits(1000, SOON, world.ports)):
            pass
    world.assert_untouched()


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, gzip", "x-unknown"])
async def test_packed_content_is_refused_unread(world: World, encoding: str) -> None:
    """Ten megabytes of nothing in ten kilobytes, though we asked for none of it."""
    bomb = gzip.compress(bytes(10_000_000))
    await expect(UrlFailed, world, answer(body=bomb, headers={"Content-Encoding": encoding}))
    assert world.public.requests[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 " + b"O" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: a\r\n" % i for i in range(5_000)) + b"\r\n",
        b"HTTP/1.1 999999 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"-ERR unknown command\r\n",
        b"\x00\x01\x02\r\n\r\n",
    ],
    ids=range(12),
)
async def test_what_is_no_proper_http_is_a_failure(world: World, head: bytes) -> None:
    async def speak(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        await writer.drain()

    world.public.routes["/"] = speak
    with pytest.raises(UrlFailed):
        await fetch(world)


async def test_a_server_that_hangs_up_is_unreachable(world: World) -> None:
    async def hang_up(_: Request, __: asyncio.StreamWriter) -> None:
        return

    error = await expect(UrlUnreachable, world, hang_up)
    assert PUBLIC not in str(error)


async def test_a_closed_port_is_unreachable_and_names_no_address(world: World) -> None:
    world.names.set("pictures.example.com", [PUBLIC])
    await world.public.stop()
    with pytest.raises(UrlUnreachable) as raised:
        await fetch(world)
    assert PUBLIC not in str(raised.value)


async def test_a_certificate_of_an_unknown_authority_is_refused(world: World) -> None:
    guard = replace(world.guard, tls=Authority("another one").trust())
    world.names.set("pictures.example.com", [PUBLIC])
    with pytest.raises(UrlCertificateRefused):
        async with open_fetch(guard, world.url(), FetchLimits(1000, LONG, world.ports)):
            pass
    assert world.public.requests == []


async def test_a_certificate_for_another_name_is_refused(world: World) -> None:
    world.names.everything = [PUBLIC]
    url = world.url(name="uncertified.example.com")
    with pytest.raises(UrlCertificateRefused):
        async with open_fetch(world.guard, url, FetchLimits(1000, LONG, world.ports)):
            pass
    assert world.public.requests == []


async def test_an_expired_certificate_is_refused(
    world: World, authority: Authority, tmp_path: Path
) -> None:
    tls = authority.serve(tmp_path, ["pictures.example.com"], age_days=60)
    world.names.set("pictures.example.com", [PUBLIC])
    server = Server(PUBLIC, tls)
    await server.start()
    url = f"https://pictures.example.com:{server.port}/"
    ports = frozenset({server.port})
    with pytest.raises(UrlCertificateRefused):
        async with open_fetch(world.guard, url, FetchLimits(1000, LONG, ports)):
            pass
    await server.stop()
    assert server.requests == []


async def test_a_server_without_tls_is_refused(world: World) -> None:
    plain = Server(PUBLIC)
    await plain.start()
    world.names.set("pictures.example.com", [PUBLIC])
    url = f"https://pictures.example.com:{plain.port}/"
    limits = FetchLimits(1000, SOON, frozenset({plain.port}))
    with pytest.raises(UrlFailed):
        async with open_fetch(world.guard, url, limits):
            pass
    await plain.stop()
    assert plain.requests == []


async def test_the_last_door_is_shut_to_what_was_not_checked(world: World) -> None:
    """A route whose address is not the one in its URL: the socket itself is refused."""
    url = parse_url(f"https://{INNER}:{world.inner.port}/")
    checked = Route(parse_url(f"https://{PUBLIC}:{world.public.port}/"), ())
    forged = Route(url, checked.addresses)
    with pytest.raises(OSError, match=r".*"):
        async with open_exchange(forged, "GET", tls=world.guard.tls, headers={}):
            pass
    world.assert_untouched()


async def test_a_proxy_of_the_environment_is_not_asked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, f"http://{INNER}:{world.inner.port}")
        monkeypatch.setenv(name.upper(), f"http://{INNER}:{world.inner.port}")
    world.public.routes["/"] = answer(body=b"direct")
    assert await fetch(world) == b"direct"
    assert world.inner.connections == 0


async def test_no_cookie_and_no_password_file_follows_a_redirect(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine pictures.example.com login me password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    world.public.routes["/"] = answer(
        302, headers={"Location": "/next", "Set-Cookie": "session=1; Path=/"}
    )
    world.public.routes["/next"] = answer(body=b"there")
    assert await fetch(world) == b"there"
    for request in world.public.requests:
        assert not {"cookie", "authorization", "referer", "proxy-authorization"} & set(
            request.headers
        )


async def test_the_system_trusts_nobody_of_ours(world: World) -> None:
    guard = replace(world.guard, tls=ssl.create_default_context())
    world.names.set("pictures.example.com", [PUBLIC])
    with pytest.raises(UrlCertificateRefused):
        async with open_fetch(guard, world.url(), FetchLimits(1000, LONG, world.ports)):
            pass


async def test_metadata_stays_shut_where_its_network_is_allowed() -> None:
    names = Names(everything=["169.254.169.254"])
    guard = make_guard(names, ssl.create_default_context(), "169.254.0.0/16", "metadata.local")
    for url in (
        "http://169.254.169.254/",
        "https://169.254.169.254/",
        "http://metadata.local/",
        "https://pictures.example.com/",
    ):
        with pytest.raises(UrlRefused):
            await guard.check(url, {443})
