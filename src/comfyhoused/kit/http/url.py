"""Reading an address strictly: one meaning or none.

Programs differ in how they read a sloppy URL, and an attack lives in the difference; what more
than one reading fits is refused here, and what is used afterwards is built from the parts.
"""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Literal
from urllib.parse import quote, urljoin

import idna

from comfyhoused.kit.http.addresses import Address
from comfyhoused.kit.http.errors import UrlRefused

Scheme = Literal["https", "http"]

MAX_LENGTH = 8_000
_MAX_HOST_LENGTH = 253
_PORTS: dict[Scheme, int] = {"https": 443, "http": 80}
_SCHEMES: dict[str, Scheme] = {"https": "https", "http": "http"}

_URL = re.compile(
    r"(?P<scheme>[A-Za-z]+)://(?P<authority>[^/?#]+)(?P<path>[^?#]*)(?P<query>\?[^#]*)?"
)
_HAS_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_AUTHORITY = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\[\]:@%]+)(?::(?P<port>[1-9][0-9]{0,4}))?")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
# Every visible character of ASCII that a path or query may keep; the others are percent-encoded.
_KEPT = "!#$%&'()*+,-./:;=?@[]_~"


@dataclass(frozen=True, slots=True)
class Url:
    """An address in its one canonical form.

    `host` is a lower-case ASCII name or an IP address without brackets, `address` the latter
    parsed, `target` the path and query, as they are sent.
    """

    scheme: Scheme
    host: str
    port: int
    target: str
    address: Address | None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.target}"


def parse_url(text: str) -> Url:
    """Read an address; raises UrlRefused with the rule that it breaks."""
    if len(text) > MAX_LENGTH:
        raise UrlRefused(f"An address has at most {MAX_LENGTH:,} characters.")
    if not text.isprintable() or " " in text or "\\" in text:
        raise UrlRefused("An address has no spaces, control characters or backslashes.")
    match = _URL.match(text)
    if match is None:
        raise UrlRefused("An address has the form https://name/path.")
    scheme = _SCHEMES.get(match["scheme"].lower())
    if scheme is None:
        raise UrlRefused("An address starts with https://.")
    host, port = _split_authority(match["authority"])
    name, address = _read_host(host)
    query = match["query"] or ""
    target = _encode((match["path"] or "/") + (query if query != "?" else ""))
    return Url(scheme, name, port or _PORTS[scheme], target, address)


def join_url(base: Url, location: str) -> Url:
    """Read where a redirect leads; raises UrlRefused."""
    if not location.isprintable() or "\\" in location:  # urljoin drops some of them silently
        raise UrlRefused("It redirects to what is no address.")
    if _HAS_SCHEME.match(location):
        return parse_url(location)
    try:
        joined = urljoin(str(base), location)
    except ValueError as error:
        raise UrlRefused("It redirects to what is no address.") from error
    return parse_url(joined)


def _split_authority(authority: str) -> tuple[str, int | None]:
    if "@" in authority:
        raise UrlRefused("An address carries no user name or password.")
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        raise UrlRefused("The name or the port in the address cannot be read.")
    port = int(match["port"]) if match["port"] else None
    if port is not None and port > 65535:
        raise UrlRefused("A port is at most 65535.")
    return match["host"], port


def _read_host(host: str) -> tuple[str, Address | None]:
    if host.startswith("["):
        try:
            address = IPv6Address(host[1:-1])
        except AddressValueError as error:
            raise UrlRefused("The IPv6 address cannot be read.") from error
        return str(address), address
    name = _encode_name(host)
    if _NUMBER.fullmatch(name.rpartition(".")[2]):
        try:
            v4 = IPv4Address(name)
        except AddressValueError as error:
            raise UrlRefused("An IPv4 address is written as four decimal numbers.") from error
        return str(v4), v4
    return name, None


def _encode_name(host: str) -> str:
    """Return the name in ASCII (IDNA 2008, without the mapping of look-alikes)."""
    if any(map(_looks_plain, host)):
        raise UrlRefused("Letters, digits and dots of a name are plain ones.")
    name = host.lower()
    if not name.isascii():
        try:
            name = idna.encode(name).decode("ascii")
        except idna.IDNAError as error:
            raise UrlRefused("The name in the address is not a valid one.") from error
    if len(name) > _MAX_HOST_LENGTH or not all(map(_LABEL.fullmatch, name.split("."))):
        raise UrlRefused("The name in the address is not a valid one.")
    return name


def _looks_plain(char: str) -> bool:
    """Tell whether some program reads a special character as a plain letter, digit or dot."""
    is_special = not char.isascii()
    return is_special and (char.isnumeric() or char in "。．｡" or char.lower().isascii())


def _encode(target: str) -> str:
    try:
        return quote(target, safe=_KEPT)
    except UnicodeEncodeError as error:  # half a character
        raise UrlRefused("An address is text.") from error
