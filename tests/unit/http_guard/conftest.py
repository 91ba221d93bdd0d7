"""The outside world for the tests of the guard."""

from asyncio import AbstractEventLoop
from collections.abc import AsyncIterator, Callable
from ssl import SSLContext

import pytest
import uvloop

from tests.certificates import Authority
from tests.outside import INNER, PUBLIC, Names, Server, World, make_guard

CERTIFIED = ("pictures.example.com", "other.example.com", "*.bücher.example", PUBLIC, "::1")


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], AbstractEventLoop]]:
    """Connect as the server does: its processes run on this loop, and TLS is the loop's work."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="session")
def trust(authority: Authority) -> SSLContext:
    """What a client needs to believe the public server."""
    return authority.trust()


@pytest.fixture(scope="session")
def tls(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> SSLContext:
    """What the public server proves itself with."""
    names = [name.encode("idna").decode() for name in CERTIFIED]
    return authority.serve(tmp_path_factory.mktemp("certificates"), names)


@pytest.fixture
async def world(trust: SSLContext, tls: SSLContext) -> AsyncIterator[World]:
    """Both servers on one port, so that only the address tells them apart."""
    public, inner = Server(PUBLIC, tls), Server(INNER)
    await public.start()
    await inner.start(public.port)
    resolver = Names()
    try:
        yield World(public, inner, resolver, make_guard(resolver, trust))
    finally:
        await public.stop()
        await inner.stop()
