"""ComfyUI servers that were added while the house runs, beside those of the settings.

Kept in Redis, so that every worker finds them: one hash, address → instant in ms.
"""

import ipaddress
import socket
from contextlib import suppress
from typing import cast
from urllib.parse import urlsplit

from comfyhoused.adapters.redis.client import Store
from comfyhoused.core.fleet.backends import Backend, make_backend_id
from comfyhoused.kit.clock import get_now_ms
from comfyhoused.kit.errors import Conflict, FieldError, Unprocessable

_ADDED = "ch:1:backends:added"
_LONGEST_ADDRESS = 300
MOST_ADDED = 16


class AddressInvalid(Unprocessable):
    """It is not the address of an HTTP server, or of one that must not be asked."""

    code = "address_invalid"
    title = "That is not the address of a server"


class TooManyAdded(Conflict):
    """As many servers were added as may be; name them in the settings instead."""

    code = "too_many_backends"
    title = "No more servers can be added here"


def normalise_address(text: str) -> str:
    """Return `http://host:port`, with a path where one was given; raises AddressInvalid.

    What people type is taken: without `http://`, with a slash or the editor's `#` behind.
    """
    text = text.strip()
    if not text or len(text) > _LONGEST_ADDRESS or any(c.isspace() for c in text):
        raise _make_error("Write it as ComfyUI shows it, for example http://127.0.0.1:8188")
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise _make_error(f"It cannot be read: {error}") from error
    if parts.scheme not in ("http", "https") or not host:
        raise _make_error("It starts with http:// or https://, then the name of the machine")
    if parts.username or parts.password or parts.query:
        raise _make_error("Leave out names, passwords and what stands behind a ?")
    if _is_never_a_server(host):
        raise _make_error("Nobody runs ComfyUI at this address")
    place = f"[{host}]" if ":" in host else host
    number = f":{port}" if port else ""
    return f"{parts.scheme}://{place}{number}{parts.path.rstrip('/')}"


def _is_never_a_server(host: str) -> bool:
    # Link-local holds the metadata service of clouds, which hands out credentials.
    address = _read_number(host.partition("%")[0])
    if address is None:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return address.is_link_local or address.is_multicast or address.is_unspecified


def _read_number(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the address that a host is in numbers, in every way the system reads them.

    2852039166 and 0xa9.0376.43518 are addresses to it as well.
    """
    with suppress(ValueError):
        return ipaddress.ip_address(host)
    with suppress(OSError, ValueError):
        return ipaddress.IPv4Address(socket.inet_aton(host))
    return None


def _make_error(detail: str) -> AddressInvalid:
    return AddressInvalid(detail, errors=[FieldError(pointer="/address", detail=detail)])


async def add_backend(store: Store, url: str) -> Backend:
    """Keep a server (a normalised address) until it is removed; idempotent.

    Raises TooManyAdded. Workers find it by `list_added`.
    """
    known = await store.hlen(_ADDED)
    if known >= MOST_ADDED and not await store.hexists(_ADDED, url):
        raise TooManyAdded(f"At most {MOST_ADDED}. Name more in CH_COMFYUI_URLS.")
    await store.hsetnx(_ADDED, url, str(get_now_ms()))
    return _make_backend(url)


async def list_added(store: Store) -> list[Backend]:
    """Return the added servers, oldest first. They serve live work."""
    rows = cast(dict[str, str], await store.hgetall(_ADDED))
    return [_make_backend(url) for url, _ in sorted(rows.items(), key=lambda row: int(row[1]))]


async def remove_backend(store: Store, backend_id: str) -> bool:
    """Forget an added server; False where none has this id."""
    urls = cast(list[str], await store.hkeys(_ADDED))
    gone = [url for url in urls if make_backend_id(url) == backend_id]
    return bool(gone and await store.hdel(_ADDED, *gone))


def _make_backend(url: str) -> Backend:
    return Backend(make_backend_id(url), url, ("live",), False)
