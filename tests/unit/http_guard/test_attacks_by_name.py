"""Names that lead where nobody may go. The answer of the name server is the attack."""

import pytest

from comfyhoused.kit.http.errors import NOT_PUBLIC, UrlRefused
from comfyhoused.kit.http.fetch import FetchLimits, open_fetch
from comfyhoused.kit.http.send import send
from tests.outside import INNER, PUBLIC, World

NOT_PUBLIC_V4 = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.127.255.254",
    "127.0.0.2",
    "127.1.2.3",
    "169.254.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.254",
    "192.0.0.1",
    "192.0.0.170",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.251",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "168.63.129.16",
]
NOT_PUBLIC_V6 = [
    "::",
    "::2",
    "::7f00:2",  # compatible with v4
    "::ffff:127.0.0.2",  # mapped
    "::ffff:8.8.8.8",
    "::ffff:0:127.0.0.2",  # translated
    "64:ff9b::7f00:2",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "100::1",  # discard
    "2001::1",  # Teredo
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:2::1",  # benchmarking
    "2001:10::1",  # ORCHID
    "2001:db8::1",
    "2002:7f00:2::1",
    "2002:808:808::1",
    "3ffe::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%lo",
    "2606:4700::1%lo",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "2606:4700::5efe:7f00:2",  # ISATAP, within a public network
    "2606:4700::200:5efe:a00:1",
]
BROKEN = ["", "localhost", "127.0.0.2\n", "127.2", "2130706434", "::1::", "nonsense"]


async def expect_refusal(world: World, name: str = "evil.example.com") -> UrlRefused:
    url = world.url(name=name)
    with pytest.raises(UrlRefused) as refused:
        async with open_fetch(world.guard, url, FetchLimits(1000, 30, world.ports)):
            pass
    return refused.value


@pytest.mark.parametrize("address", NOT_PUBLIC_V4 + NOT_PUBLIC_V6 + BROKEN)
async def test_a_name_may_not_lead_there(world: World, address: str) -> None:
    world.names.set("evil.example.com", [address])
    assert (await expect_refusal(world)).detail == NOT_PUBLIC
    posted = await send(
        world.guard,
        world.url(name="evil.example.com"),
        b"{}",
        {},
        timeout_seconds=30,
        ports=world.ports,
    )
    assert isinstance(posted.error, UrlRefused)
    world.assert_untouched()


@pytest.mark.parametrize(
    "answers",
    [
        [PUBLIC, INNER],
        [INNER, PUBLIC],
        [PUBLIC, "::ffff:127.0.0.2"],
        [PUBLIC] * 40 + ["10.0.0.1"],
        [PUBLIC, "fe80::1%lo"],
        [PUBLIC, "rubbish"],
    ],
)
async def test_one_inner_address_among_public_ones_refuses_all(
    world: World, answers: list[str]
) -> None:
    world.names.set("evil.example.com", answers)
    assert (await expect_refusal(world)).detail == NOT_PUBLIC
    world.assert_untouched()


async def test_a_name_without_an_address_is_refused_in_the_same_words(world: World) -> None:
    """Else the answers would tell which inner names exist."""
    world.names.set("empty.example.com", [])
    world.names.set("inner.example.com", [INNER])
    errors = [
        await expect_refusal(world, name)
        for name in ("missing.example.com", "empty.example.com", "inner.example.com")
    ]
    assert len({(error.code, error.title, error.detail) for error in errors}) == 1
    world.assert_untouched()


async def test_an_open_and_a_closed_inner_port_look_the_same(world: World) -> None:
    world.names.set("evil.example.com", [INNER])
    closed = 9  # nothing listens there
    ports = frozenset({closed, world.inner.port})
    errors = []
    for port in ports:
        url = f"https://evil.example.com:{port}/"
        with pytest.raises(UrlRefused) as refused:
            await world.guard.check(url, ports)
        errors.append(refused.value)
    assert len({(error.code, error.title, error.detail) for error in errors}) == 1
    world.assert_untouched()


async def test_no_search_domain_is_tried(world: World) -> None:
    """`redis.default` must not become `redis.default.svc.cluster.local`."""
    world.names.everything = [PUBLIC]
    await world.guard.check(world.url(name="redis.default"), world.ports)
    assert world.names.asked == ["redis.default."]


async def test_a_rebinding_name_is_asked_once_and_pinned(world: World) -> None:
    """It answers with a public address first, and with an inner one from then on."""
    world.names.set("pictures.example.com", [PUBLIC], [INNER])
    limits = FetchLimits(1000, 30, world.ports)
    with pytest.raises(Exception, match="404"):
        async with open_fetch(world.guard, world.url(), limits):
            pass
    assert world.names.asked == ["pictures.example.com."]
    assert (world.public.connections, world.inner.connections) == (1, 0)
    assert (await expect_refusal(world, "pictures.example.com")).detail == NOT_PUBLIC
    assert world.inner.connections == 0


async def test_a_rebinding_name_is_pinned_for_webhooks_too(world: World) -> None:
    world.names.set("pictures.example.com", [PUBLIC], [INNER])
    url, ports = world.url(), world.ports
    first = await send(world.guard, url, b"{}", {}, timeout_seconds=30, ports=ports)
    second = await send(world.guard, url, b"{}", {}, timeout_seconds=30, ports=ports)
    assert first.status == 404
    assert isinstance(second.error, UrlRefused)
    assert (world.public.connections, world.inner.connections) == (1, 0)
