"""One request to a checked route: no proxy, no cookie, no redirect, no second look-up."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from ipaddress import ip_address
from typing import Any, Literal

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from comfyhoused.kit.http.addresses import Address
from comfyhoused.kit.http.errors import (
    UrlCertificateRefused,
    UrlFailed,
    UrlTimedOut,
    UrlUnreachable,
)
from comfyhoused.kit.http.guard import Route

_USER_AGENT = "Comfyhouse/1"
_MAX_HEADER_BYTES = 8_190  # of one header; aiohttp takes a limited number of them
_NO_TIMEOUT = aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None)


class AddressNotChecked(OSError):
    """A connection was about to leave for an address that the guard has not seen."""


class PinnedResolver(AbstractResolver):
    """Answers with the addresses of one route, whatever the world says by now."""

    def __init__(self, route: Route) -> None:
        self._route = route

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return every address of the route; raises AddressNotChecked for another name."""
        if host != self._route.url.host:
            raise AddressNotChecked(host)
        return [_make_result(host, address, port) for address in self._route.addresses]

    async def close(self) -> None:
        """Nothing is open."""


@asynccontextmanager
async def open_exchange(
    route: Route,
    method: Literal["GET", "POST"],
    *,
    tls: ssl.SSLContext,
    headers: Mapping[str, str],
    body: bytes | None = None,
) -> AsyncIterator[aiohttp.ClientResponse]:
    """Send one request and give the answer's head. The caller caps the time and the bytes.

    Raises what aiohttp raises; wrap it in `translate_failures`.
    """
    connector = aiohttp.TCPConnector(
        resolver=PinnedResolver(route),
        use_dns_cache=False,
        force_close=True,
        ssl=tls,
        socket_factory=_make_socket_factory(route),
    )
    session = aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        auto_decompress=False,
        timeout=_NO_TIMEOUT,
        max_line_size=_MAX_HEADER_BYTES,
        max_field_size=_MAX_HEADER_BYTES,
    )
    own = {"User-Agent": _USER_AGENT, "Accept-Encoding": "identity"}
    url = URL(str(route.url), encoded=True)
    async with (
        session,
        session.request(
            method, url, data=body, headers={**own, **headers}, allow_redirects=False
        ) as answer,
    ):
        yield answer


@contextmanager
def translate_failures(timeout_seconds: float) -> Iterator[None]:
    """Raise failures of the net as errors of ours, in fixed words that name no address."""
    try:
        yield
    except TimeoutError as error:
        raise UrlTimedOut(f"It took longer than {timeout_seconds:g} seconds.") from error
    except (aiohttp.ClientConnectorCertificateError, ssl.SSLError) as error:
        raise UrlCertificateRefused("No valid TLS connection could be made.") from error
    except aiohttp.ClientSSLError as error:
        raise UrlCertificateRefused("No valid TLS connection could be made.") from error
    except (aiohttp.ClientConnectionError, OSError) as error:
        raise UrlUnreachable("It took no connection, or dropped it.") from error
    except (aiohttp.ClientError, ValueError) as error:
        raise UrlFailed("Its answer is not proper HTTP.") from error


def get_deadline(timeout_seconds: float) -> float:
    """Return the instant of the loop's clock at which an exchange that starts now is cut."""
    return asyncio.get_running_loop().time() + timeout_seconds


def _make_socket_factory(route: Route) -> aiohttp.SocketFactoryType:
    """Return a maker of sockets that refuses all but the route's addresses: the last door."""

    def make_socket(info: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, place = info
        if ip_address(place[0]) not in route.addresses:
            raise AddressNotChecked
        return socket.socket(family, kind, protocol)

    return make_socket


def _make_result(name: str, address: Address, port: int) -> ResolveResult:
    family: Any = socket.AF_INET if address.version == 4 else socket.AF_INET6
    return ResolveResult(
        hostname=name,
        host=str(address),
        port=port,
        family=family,
        proto=socket.IPPROTO_TCP,
        flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    )
