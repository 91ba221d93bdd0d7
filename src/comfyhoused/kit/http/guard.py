"""The one decision where a customer may send us. Resolves a name once; all of it must be public.

    await guard.check(url, ports)   →  Route: the address in canonical form and where to connect

Whoever connects uses the route's addresses and never asks for the name again, or a name that
answers differently the second time (DNS rebinding) would lead anywhere.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from ipaddress import ip_address

from comfyhoused.kit.http.addresses import (
    METADATA,
    Address,
    Network,
    find_network,
    is_public,
    is_within,
)
from comfyhoused.kit.http.errors import NOT_PUBLIC, UrlRefused
from comfyhoused.kit.http.url import Url, parse_url
from comfyhoused.settings import OutboundSettings

Resolver = Callable[[str], Awaitable[Sequence[str]]]
"""A name → its IP addresses as text; OSError or none where there is no such name."""

FETCH_PORTS = frozenset({443})
#: Where receivers of webhooks listen besides: what tunnels and application servers offer.
WEBHOOK_PORTS = frozenset({443, 4443, 8443, 9443})

_HTTP_PORT = 80

# Names that never belong to the public internet (RFC 6761, RFC 6762, RFC 8375, ICANN's .internal,
# and what routers and companies use). Their addresses would be refused too; the name alone is.
_INNER_ZONES = frozenset(
    {"alt", "arpa", "corp", "home", "internal", "intranet", "invalid", "lan", "local"}
    | {"localdomain", "localhost", "mail", "onion", "private", "test", "workgroup"}
)

# A stranger's name server may keep a thread for many seconds: it gets threads of its own.
_RESOLVERS = ThreadPoolExecutor(64, thread_name_prefix="resolve")


@dataclass(frozen=True, slots=True)
class Route:
    """An address that may be gone to, and the IP addresses to connect to: these and no other."""

    url: Url
    addresses: tuple[Address, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator allows beyond the public internet.

    `names` may lead anywhere but to a cloud's metadata, by http and on every port; so may
    addresses in `networks` that are written as numbers. A name of the public kind may resolve
    into `networks`. `has_http`: plain http on port 80.
    """

    names: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()
    has_http: bool = False


@dataclass(frozen=True, slots=True)
class Guard:
    """Policy, resolver and the certificates we trust. One per process; it keeps no connection."""

    policy: Policy
    resolve: Resolver
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)

    def check_form(self, text: str, ports: Collection[int]) -> Url:
        """Return the address if its form is allowed, without resolving; raises UrlRefused."""
        url = parse_url(text)
        self.check_url(url, ports)
        return url

    async def check(self, text: str, ports: Collection[int]) -> Route:
        """Return where an address leads; raises UrlRefused. The caller caps the time."""
        return await self.find_route(parse_url(text), ports)

    def check_url(self, url: Url, ports: Collection[int]) -> None:
        """Raise UrlRefused for schemes, ports, names and written addresses we do not go to."""
        if self._is_listed(url):
            return
        allowed = set(ports)
        if self.policy.has_http:
            allowed.add(_HTTP_PORT)
        elif url.scheme != "https":
            raise UrlRefused("An address starts with https://.")
        if url.port not in allowed:
            raise UrlRefused(f"Port {url.port} is not one of {_list_ports(allowed)}.")
        if url.address is None and not _is_outer_name(url.host):
            raise UrlRefused(NOT_PUBLIC)
        if url.address is not None:
            self._check_address(url.address)

    async def find_route(self, url: Url, ports: Collection[int]) -> Route:
        """Return where a parsed address leads; raises UrlRefused."""
        self.check_url(url, ports)
        if url.address is not None:
            return Route(url, (url.address,))
        is_listed = url.host in self.policy.names
        # With its last dot a name is whole: no search domain of ours is tried behind it.
        answers = await self._look_up(url.host if is_listed else f"{url.host}.")
        for address in answers:
            self._check_address(address, is_listed=is_listed)
        return Route(url, answers)

    def _is_listed(self, url: Url) -> bool:
        if url.address is None:
            return url.host in self.policy.names
        return is_within(url.address, self.policy.networks) and url.address not in METADATA

    def _check_address(self, address: Address, *, is_listed: bool = False) -> None:
        is_inner = is_listed or is_within(address, self.policy.networks)
        if address in METADATA or not (is_inner or is_public(address)):
            raise UrlRefused(NOT_PUBLIC)

    async def _look_up(self, name: str) -> tuple[Address, ...]:
        try:
            found = tuple(dict.fromkeys(map(ip_address, await self.resolve(name))))
        except (OSError, ValueError) as error:  # UnicodeError is a ValueError
            raise UrlRefused(NOT_PUBLIC) from error
        if not found:
            raise UrlRefused(NOT_PUBLIC)
        return found


async def resolve_name(name: str) -> list[str]:
    """Ask the system for the addresses of a name; raises OSError."""
    loop = asyncio.get_running_loop()
    answers = await loop.run_in_executor(_RESOLVERS, _resolve, name)
    return [str(answer[4][0]) for answer in answers]


def make_guard(settings: OutboundSettings) -> Guard:
    """Return the guard of a process; reads the system's certificates."""
    policy = make_policy(settings.outbound_allowed, has_http=settings.outbound_http)
    return Guard(policy, resolve_name)


def make_policy(allowed: Iterable[str], *, has_http: bool = False) -> Policy:
    """Return the policy that a list of names, addresses and networks writes."""
    networks = {text: find_network(text) for text in allowed}
    return Policy(
        names=frozenset(text.lower() for text, network in networks.items() if network is None),
        networks=tuple(network for network in networks.values() if network is not None),
        has_http=has_http,
    )


def _resolve(name: str) -> Sequence[tuple[object, object, object, object, tuple[object, ...]]]:
    return socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)


def _is_outer_name(name: str) -> bool:
    labels = name.split(".")
    return len(labels) > 1 and labels[-1] not in _INNER_ZONES


def _list_ports(ports: Collection[int]) -> str:
    return ", ".join(map(str, sorted(ports)))
