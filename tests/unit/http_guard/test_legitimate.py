"""What honest customers do must work: real TLS, redirects, names of every script, IPv6, sizes."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from comfyhoused.kit.http.addresses import is_public
from comfyhoused.kit.http.errors import UrlRefused
from comfyhoused.kit.http.fetch import FetchLimits, open_fetch
from comfyhoused.kit.http.guard import (
    FETCH_PORTS,
    Guard,
    make_guard,
    make_policy,
    resolve_name,
)
from comfyhoused.kit.http.url import join_url, parse_url
from comfyhoused.settings import OutboundSettings
from tests.certificates import Authority
from tests.outside import PUBLIC, Handler, Names, Request, Server, World, answer, make_head
from tests.pictures import encode, make_image

LONG = 60.0
BIG = 20_000_000
PICTURES = {kind: encode(make_image(), kind) for kind in ("PNG", "JPEG", "WEBP")}


async def fetch(world: World, url: str, *, max_bytes: int = BIG) -> tuple[str, bytes]:
    """Return where the body came from, and the body."""
    limits = FetchLimits(max_bytes, LONG, world.ports)
    async with open_fetch(world.guard, url, limits) as fetched:
        return fetched.url, b"".join([chunk async for chunk in fetched.chunks])


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("https://example.com", "https://example.com/"),
        ("https://example.com/", "https://example.com/"),
        ("HTTPS://Example.COM/Path", "https://example.com/Path"),
        ("https://example.com:443/", "https://example.com/"),
        ("https://example.com:8443/", "https://example.com:8443/"),
        ("https://example.com?", "https://example.com/"),
        ("https://example.com?a=b", "https://example.com/?a=b"),
        ("https://example.com/a?b=c&d=e+f#part", "https://example.com/a?b=c&d=e+f"),
        ("https://example.com/a%20b%2Fc", "https://example.com/a%20b%2Fc"),
        ("https://example.com/bild-ä.png", "https://example.com/bild-%C3%A4.png"),
        ("https://example.com/写真.jpg?名=値", None),
        ("https://example.com/a(1),b;c=d/~e/@f:g!$'*+[0].png", None),
        ('https://example.com/?q="<>^`{|}', "https://example.com/?q=%22%3C%3E%5E%60%7B%7C%7D"),
        ("https://bucket.s3.eu-central-1.amazonaws.com/k?X-Amz-Signature=ab%2Fcd%3D", None),
        ("https://my_bucket.storage.example.com/x", "https://my_bucket.storage.example.com/x"),
        ("https://a-b.example.co.uk/x", "https://a-b.example.co.uk/x"),
        ("https://1.example.com/", "https://1.example.com/"),
        ("https://127.0.0.1.example.com/", "https://127.0.0.1.example.com/"),
        ("https://0x7f.example.com/", "https://0x7f.example.com/"),
        ("https://123.example/", "https://123.example/"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://BÜCHER.example/", "https://xn--bcher-kva.example/"),
        ("https://例え.jp/", "https://xn--r8jz45g.jp/"),
        ("https://пример.рф/", "https://xn--e1afmkfd.xn--p1ai/"),
        ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/"),
        ("https://faß.example/", "https://xn--fa-hia.example/"),
        ("https://8.8.8.8/", "https://8.8.8.8/"),
        ("https://[2606:4700:4700::1111]/", "https://[2606:4700:4700::1111]/"),
        ("https://[2606:4700:4700:0:0:0:0:1111]:443/", "https://[2606:4700:4700::1111]/"),
        ("https://localhost.example.com/", "https://localhost.example.com/"),
        ("https://internal.example.com/", "https://internal.example.com/"),
        ("https://example.com//double//slash", "https://example.com//double//slash"),
        ("https://example.com/../up", "https://example.com/../up"),
    ],
)
def test_an_address_is_read_to_one_form(text: str, canonical: str | None) -> None:
    guard = Guard(make_policy([]), resolve_name)
    once = str(guard.check_form(text, {443, 8443}))
    assert once.isascii()
    assert str(parse_url(once)) == once
    if canonical is not None:
        assert once == canonical


@pytest.mark.parametrize(
    ("location", "joined"),
    [
        ("https://cdn.example.com/x", "https://cdn.example.com/x"),
        ("//cdn.example.com/x", "https://cdn.example.com/x"),
        ("/x?y", "https://example.com/x?y"),
        ("x", "https://example.com/a/x"),
        ("../x", "https://example.com/x"),
        ("?y", "https://example.com/a/b?y"),
        ("/bild-ä.png", "https://example.com/bild-%C3%A4.png"),
    ],
)
def test_a_redirect_is_read_relative_to_its_page(location: str, joined: str) -> None:
    assert str(join_url(parse_url("https://example.com/a/b?c"), location)) == joined


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "8.8.8.8",
        "100.63.255.255",
        "100.128.0.1",
        "126.255.255.255",
        "128.0.0.1",
        "169.253.255.255",
        "172.15.255.255",
        "172.32.0.1",
        "192.0.1.1",
        "198.17.255.255",
        "198.20.0.1",
        "223.255.255.255",
        "2001:200::1",
        "2001:4860:4860::8888",
        "2003::1",
        "2606:4700:4700::1111",
        "2a00:1450:4001:800::200e",
        "3ffd::1",
    ],
)
def test_the_public_internet_stays_reachable(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize("kind", PICTURES)
async def test_a_picture_comes_over_real_tls(world: World, kind: str) -> None:
    world.names.set("pictures.example.com", [PUBLIC])
    world.public.routes["/p"] = answer(body=PICTURES[kind])
    url, content = await fetch(world, world.url("/p"))
    assert content == PICTURES[kind]
    assert url == world.url("/p")
    # The connection went to a number; name and certificate are those of the address.
    assert world.public.names == ["pictures.example.com"]
    (request,) = world.public.requests
    assert request.headers["host"] == f"pictures.example.com:{world.public.port}"
    assert request.headers["user-agent"].startswith("Comfyhouse")


async def test_a_query_and_a_path_arrive_as_they_were_written(world: World) -> None:
    """A signed link breaks when anything re-encodes it."""
    target = "/a%2Fb/%7Ec/d+e?X-Amz-Credential=k%2F2026%2Feu&sig=ab%3D%3D&x=a+b%20c&empty=&flag"
    world.names.set("pictures.example.com", [PUBLIC])
    world.public.routes["/a%2Fb/%7Ec/d+e"] = answer(body=b"yes")
    assert (await fetch(world, world.url(target)))[1] == b"yes"
    assert world.public.requests[0].target == target


async def test_a_fragment_stays_with_us(world: World) -> None:
    world.names.set("pictures.example.com", [PUBLIC])
    world.public.routes["/p"] = answer(body=b"yes")
    await fetch(world, world.url("/p?a=b#part"))
    assert world.public.requests[0].target == "/p?a=b"


async def test_a_name_of_another_script(world: World) -> None:
    world.names.set("shop.xn--bcher-kva.example", [PUBLIC])
    world.public.routes["/"] = answer(body=b"yes")
    assert (await fetch(world, world.url(name="shop.bücher.example")))[1] == b"yes"
    assert world.public.names == ["shop.xn--bcher-kva.example"]


async def test_an_address_as_a_number_with_a_certificate(world: World) -> None:
    world.public.routes["/"] = answer(body=b"yes")
    assert (await fetch(world, world.url(name=PUBLIC)))[1] == b"yes"
    assert world.names.asked == []


async def test_three_redirects_across_names(world: World) -> None:
    for name in ("pictures.example.com", "other.example.com"):
        world.names.set(name, [PUBLIC])
    hops = ["/1", world.url("/2", name="other.example.com"), "3"]
    for number, location in enumerate(hops):
        status = (301, 307, 303)[number]
        world.public.routes[f"/{number}"] = answer(status, headers={"Location": location})
    world.public.routes["/3"] = answer(body=b"there")
    url, content = await fetch(world, world.url("/0"))
    assert (url, content) == (world.url("/3", name="other.example.com"), b"there")
    assert world.public.names == ["pictures.example.com"] * 2 + ["other.example.com"] * 2


async def test_a_redirect_with_a_body_of_its_own(world: World) -> None:
    world.names.set("pictures.example.com", [PUBLIC])
    page = b"<html>moved</html>" * 5_000
    world.public.routes["/"] = answer(302, page, {"Location": "/p"})
    world.public.routes["/p"] = answer(body=b"there")
    assert (await fetch(world, world.url()))[1] == b"there"


async def test_a_body_of_exactly_the_limit(world: World) -> None:
    world.names.set("pictures.example.com", [PUBLIC])
    world.public.routes["/"] = answer(body=bytes(BIG))
    assert len((await fetch(world, world.url()))[1]) == BIG


def pour(head: dict[str, str], *pieces: bytes) -> Handler:
    async def handle(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(make_head(200, head))
        for piece in pieces:
            writer.write(piece)
            await writer.drain()

    return handle


async def test_a_body_in_chunks(world: World) -> None:
    world.names.set("pictures.example.com", [PUBLIC])
    pieces = [b"5\r\nhello\r\n", b"6;note=x\r\n world\r\n", b"0\r\nX-Trailer: y\r\n\r\n"]
    world.public.routes["/"] = pour({"Transfer-Encoding": "chunked"}, *pieces)
    assert (await fetch(world, world.url()))[1] == b"hello world"


async def test_a_body_without_a_length(world: World) -> None:
    world.names.set("pictures.example.com", [PUBLIC])
    world.public.routes["/"] = pour({"Connection": "close"}, b"hello ", b"world")
    assert (await fetch(world, world.url()))[1] == b"hello world"


async def test_an_empty_body(world: World) -> None:
    world.names.set("pictures.example.com", [PUBLIC])
    world.public.routes["/"] = answer()
    assert (await fetch(world, world.url()))[1] == b""


async def test_content_that_says_it_is_not_packed(world: World) -> None:
    world.names.set("pictures.example.com", [PUBLIC])
    world.public.routes["/"] = answer(body=b"yes", headers={"Content-Encoding": "Identity"})
    assert (await fetch(world, world.url()))[1] == b"yes"


async def test_the_second_address_is_tried_when_the_first_is_deaf(world: World) -> None:
    """127.0.0.3 is as public as its neighbour here, and nothing listens there."""
    world.names.set("pictures.example.com", ["127.0.0.3", PUBLIC])
    world.public.routes["/"] = answer(body=b"yes")
    policy = make_policy(["127.0.0.3", PUBLIC])
    both = replace(world, guard=replace(world.guard, policy=policy))
    assert (await fetch(both, world.url()))[1] == b"yes"


@pytest.fixture
async def v6(tls: ssl.SSLContext) -> AsyncIterator[Server]:
    server = Server("::1", tls)
    try:
        await server.start()
    except OSError:
        pytest.skip("this machine has no IPv6")
    yield server
    await server.stop()


@pytest.mark.parametrize("host", ["[::1]", "[0:0:0:0:0:0:0:1]", "pictures.example.com"])
async def test_ipv6(world: World, v6: Server, host: str) -> None:
    world.names.set("pictures.example.com", ["::1"])
    v6.routes["/"] = answer(body=b"six")
    limits = FetchLimits(BIG, LONG, frozenset({v6.port}))
    async with open_fetch(world.guard, f"https://{host}:{v6.port}/", limits) as fetched:
        assert b"".join([chunk async for chunk in fetched.chunks]) == b"six"
    assert world.public.connections == 0


async def test_what_the_server_says_of_it_is_passed_on(world: World) -> None:
    world.names.set("pictures.example.com", [PUBLIC])
    world.public.routes["/"] = answer(body=b"yes", headers={"Content-Type": "image/png; x=y"})
    limits = FetchLimits(BIG, LONG, world.ports)
    async with open_fetch(world.guard, world.url(), limits) as fetched:
        assert (fetched.content_type, fetched.size_bytes) == ("image/png; x=y", 3)


@pytest.mark.parametrize(
    "allowed",
    ["127.0.0.2", "127.0.0.0/8", "127.0.0.1/8", "nas.local"],
)
async def test_an_operator_may_open_an_inner_address(world: World, allowed: str) -> None:
    """By http and on any port: a house without a way out has neither certificates nor 443."""
    names = Names({"nas.local": [["127.0.0.2"]]})
    policy = make_guard(OutboundSettings(outbound_allowed=(allowed,))).policy
    guard = Guard(policy, names.resolve, world.guard.tls)
    host = "nas.local" if allowed == "nas.local" else "127.0.0.2"
    world.inner.routes["/p"] = answer(body=b"inner")
    url = f"http://{host}:{world.inner.port}/p"
    async with open_fetch(guard, url, FetchLimits(BIG, LONG)) as fetched:
        assert b"".join([chunk async for chunk in fetched.chunks]) == b"inner"
    with pytest.raises(UrlRefused):
        await guard.check("https://10.0.0.1/", FETCH_PORTS)


async def test_a_listed_name_is_asked_as_it_is_written() -> None:
    """It may stand in a hosts file or a search domain of the operator's."""
    names = Names(everything=["10.0.0.9"])
    guard = Guard(make_policy(["NAS.local"]), names.resolve)
    await guard.check("http://nas.LOCAL:8080/x", FETCH_PORTS)
    assert names.asked == ["nas.local"]


async def test_plain_http_is_an_operators_choice() -> None:
    names = Names(everything=["8.8.8.8"])
    guard = Guard(make_policy([], has_http=True), names.resolve)
    route = await guard.check("http://example.com/", FETCH_PORTS)
    assert route.url.port == 80
    for refused in ("http://example.com:8080/", "http://127.0.0.1/", "http://localhost/"):
        with pytest.raises(UrlRefused):
            await guard.check(refused, FETCH_PORTS)


@pytest.mark.parametrize("text", ["https://x", "a b", "10.0.0.0/33", "*", "*.example.com", "1.2"])
def test_a_list_that_cannot_be_read_stops_the_start(text: str) -> None:
    with pytest.raises(ValueError, match="neither a name nor an address"):
        OutboundSettings(outbound_allowed=text)  # type: ignore[arg-type]


def test_the_list_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CH_OUTBOUND_ALLOWED", "NAS.local, 10.0.0.0/8,fd00::/8 , 192.168.1.4,")
    policy = make_guard(OutboundSettings()).policy
    assert policy.names == {"nas.local"}
    assert [str(network) for network in policy.networks] == [
        "10.0.0.0/8",
        "fd00::/8",
        "192.168.1.4/32",
    ]


async def test_an_operators_authority_is_trusted(
    world: World, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / "authority.pem"
    bundle.write_text(authority.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    world.names.set("pictures.example.com", [PUBLIC])
    world.public.routes["/"] = answer(body=b"yes")
    own = replace(world.guard, tls=make_guard(OutboundSettings()).tls)
    assert (await fetch(replace(world, guard=own), world.url()))[1] == b"yes"


async def test_the_system_resolver_answers_addresses() -> None:
    assert ip_address((await resolve_name("localhost"))[0]).is_loopback


async def test_the_real_guard_refuses_this_machine() -> None:
    guard = make_guard(OutboundSettings())
    for name in ("localhost", "127.0.0.1", "[::1]"):
        with pytest.raises(UrlRefused):
            await guard.check(f"https://{name}/", FETCH_PORTS)
