"""Whatever is accepted means the same to every reader: an attack lives where two disagree."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from comfyhoused.kit.http.addresses import is_public
from comfyhoused.kit.http.errors import UrlRefused
from comfyhoused.kit.http.guard import FETCH_PORTS, Guard, make_policy, resolve_name
from comfyhoused.kit.http.url import Url, join_url, parse_url
from tests.hypotheses import UNHURRIED

_PIECES = [
    *("https", "http", "file", ":", "//", "/", "\\", "@", "#", "?", "%", "%2f", "%00", "[", "]"),
    *("example.com", "a.example.com", "localhost", "127.0.0.1", "127.1", "2130706433", "0x7f.1"),
    *("::1", "::ffff:127.0.0.1", "[::1]", "[2606:4700::1]", "8.8.8.8", ".", "..", "-", "_"),
    *("443", ":443", ":80", "user", "user:pass@", "ä", "ß", "。", "①", "\t", "\r\n", " ", "\x00"),
    *("&", "=", ";", "+", "xn--", "xn--bcher-kva"),
    *("é", "\ud800", "\u200b", "’", "℀", "ﬀ", "\u212a"),
]
_SCRAPS = st.lists(st.sampled_from(_PIECES) | st.text(max_size=3), max_size=9).map("".join)
_ADDRESSES = _SCRAPS | _SCRAPS.map(lambda text: f"https://{text}")
_NAMED = _SCRAPS.map(lambda text: f"https://example.com{text}")

GUARD = Guard(make_policy([]), resolve_name)


def check_agreement(url: Url) -> None:
    text = str(url)
    assert text.isascii()
    assert text.isprintable()
    split, yarled = urlsplit(text), URL(text, encoded=True)
    assert split.hostname == yarled.raw_host == url.host
    assert (split.port or {"https": 443, "http": 80}[url.scheme]) == yarled.port == url.port
    assert split.scheme == yarled.scheme == url.scheme
    assert split.username is split.password is yarled.user is None
    assert yarled.raw_path_qs == url.target
    assert parse_url(text) == url


@UNHURRIED
@given(_ADDRESSES | _NAMED)
def test_every_reader_sees_the_same(text: str) -> None:
    try:
        url = parse_url(text)
    except UrlRefused:
        return
    check_agreement(url)


@UNHURRIED
@given(_SCRAPS)
def test_every_redirect_is_read_the_same(location: str) -> None:
    try:
        url = join_url(parse_url("https://example.com:8443/a/b?c"), location)
    except UrlRefused:
        return
    check_agreement(url)


@UNHURRIED
@given(_ADDRESSES | _NAMED)
def test_what_passes_is_a_public_address_or_a_name(text: str) -> None:
    try:
        url = GUARD.check_form(text, FETCH_PORTS)
    except UrlRefused:
        return
    assert (url.scheme, url.port) == ("https", 443)
    try:
        address = ip_address(url.host)
    except ValueError:
        assert "." in url.host
    else:
        assert is_public(address)


@UNHURRIED
@given(st.integers(0, 2**32 - 1))
def test_no_number_is_read_as_a_name(number: int) -> None:
    octets = ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))
    first, rest = number >> 24, number & 0xFFFFFF
    forms = [str(number), hex(number), f"0{number:o}", f"{first}.{rest}", f"0{first:o}.{rest}"]
    for form in forms:
        for written in (form, f"{form}.", form.upper()):
            try:
                parse_url(f"https://{written}/")
            except UrlRefused:
                continue
            raise AssertionError(f"{written} was taken, which is {octets}")
