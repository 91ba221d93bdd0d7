"""Addresses that are refused as they are written: nobody is asked, nobody is connected to.

The resolver would lead every name to a public server, and the inner server listens too: what a
sloppy reading let through would be seen by one of them.
"""

import pytest

from comfyhoused.kit.http.errors import NOT_PUBLIC, UrlRefused
from comfyhoused.kit.http.fetch import FetchLimits, open_fetch
from comfyhoused.kit.http.send import send
from tests.outside import INNER, PUBLIC, World

# {p} is the port on which both servers listen, and which is allowed.
UNREADABLE = [
    # other schemes, or none
    "http://pictures.example.com:{p}/",
    "HTTP://pictures.example.com:{p}/",
    "ftp://pictures.example.com:{p}/",
    "file:///etc/passwd",
    "file://127.0.0.2:{p}/etc/passwd",
    "gopher://127.0.0.2:{p}/_GET",
    "dict://127.0.0.2:{p}/",
    "ldap://127.0.0.2:{p}/",
    "data://127.0.0.2:{p}/",
    "javascript:alert(1)",
    "view-source:https://127.0.0.2:{p}/",
    "url:https://127.0.0.2:{p}/",
    "jar:https://127.0.0.2:{p}/!/",
    "//127.0.0.2:{p}/",
    "127.0.0.2:{p}/",
    "",
    # no host, or a doubtful one
    "https://",
    "https:///127.0.0.2:{p}/",
    "https:/127.0.0.2:{p}/",
    "https:127.0.0.2:{p}/",
    "https://:{p}/",
    "https://?@127.0.0.2:{p}/",
    "https://#@127.0.0.2:{p}/",
    # user names and what looks like them
    "https://user@pictures.example.com:{p}/",
    "https://user:secret@127.0.0.2:{p}/",
    "https://pictures.example.com@127.0.0.2:{p}/",
    "https://pictures.example.com:{p}@127.0.0.2:{p}/",
    "https://@127.0.0.2:{p}/",
    "https://pictures.example.com%40127.0.0.2:{p}/",
    # backslashes, spaces, controls
    "https://pictures.example.com:{p}\\@127.0.0.2:{p}/",
    "https:\\\\127.0.0.2:{p}/",
    "https:/\\127.0.0.2:{p}/",
    " https://pictures.example.com:{p}/",
    "https://pictures.example.com:{p}/ ",
    "https://pictures.example.com:{p}/a b",
    "https://pictures.example.com\t:{p}/",
    "https://pictures.example.com:{p}/\r\nHost: inner",
    "https://pictures.example.com:{p}/\nX: y",
    "https://pictures.example.com:{p}/\r\n\r\nGET /secret HTTP/1.1",
    "https://pictures.example.com\x00.inner:{p}/",
    "https://pictures.example.com:{p}/\x7f",
    "https://pictures.example.com:{p}/a\\b",
    "https://pictures.example.com:{p}/?a\\@127.0.0.2",
    "https://pictures.example.com:{p}/\u202egnp.",
    "https://pictures.example.com:{p}/\u2028",
    "ht\ntps://127.0.0.2:{p}/",
    "https://pictures.example.com\u200b:{p}/",
    "https://pictures.example.com:{p}/\ud800",
    # IPv4 in the forms that inet_aton reads
    "https://2130706434:{p}/",
    "https://0x7f000002:{p}/",
    "https://0X7F000002:{p}/",
    "https://017700000002:{p}/",
    "https://127.2:{p}/",
    "https://127.0.2:{p}/",
    "https://0x7f.0.0.2:{p}/",
    "https://0x7f.2:{p}/",
    "https://0177.0.0.2:{p}/",
    "https://127.0.0.02:{p}/",
    "https://127.0.0.0x2:{p}/",
    "https://127.0.0.2.:{p}/",
    "https://127.0.0.258:{p}/",
    "https://1.1.127.0.0.2:{p}/",
    "https://0:{p}/",
    "https://0x:{p}/",
    "https://pictures.example.0x7f:{p}/",
    "https://pictures.example.1:{p}/",
    # digits and dots that only look so
    "https://①②⑦.⓪.⓪.②:{p}/",
    "https://127。0。0。2:{p}/",
    "https://127．0．0．2:{p}/",
    "https://127｡0｡0｡2:{p}/",
    "https://１２７.０.０.２:{p}/",
    "https://١٢٧.٠.٠.٢:{p}/",
    "https://𝟏𝟐𝟕.0.0.2:{p}/",
    "https://pictures。example。com:{p}/",
    "https://ⓔⓧⓐⓜⓟⓛⓔ.com:{p}/",
    "https://pictures.example.ｃｏｍ:{p}/",
    "https://pictures\u212a.example.com:{p}/",  # the sign of the kelvin, a k in small letters
    "https://loc\u00adalhost.com:{p}/",
    "https://exa℀mple.com:{p}/",  # becomes a/c, a path, where it is mapped
    "https://exa／mple.com:{p}/",
    "https://%31%32%37.0.0.2:{p}/",
    "https://127.0.0.2%2f.example.com:{p}/",
    # names that are none
    "https://pictures.example.com.:{p}/",
    "https://pictures..example.com:{p}/",
    "https://.example.com:{p}/",
    "https://-a.example.com:{p}/",
    "https://a,b.example.com:{p}/",
    "https://a;b.example.com:{p}/",
    "https://*.example.com:{p}/",
    "https://xn--a.example.com.xn--zzzzzzzzzz99999999é.com:{p}/",
    "https://" + "a" * 64 + ".example.com:{p}/",
    "https://" + "a." * 130 + "com:{p}/",
    "https://pictures.example.com:{p}/" + "a" * 9_000,
    # ports
    "https://pictures.example.com:0/",
    "https://pictures.example.com:65536/",
    "https://pictures.example.com:99999999999/",
    "https://pictures.example.com:22/",
    "https://pictures.example.com:25/",
    "https://pictures.example.com:80/",
    "https://pictures.example.com:6379/",
    "https://pictures.example.com:+{p}/",
    "https://pictures.example.com:-1/",
    "https://pictures.example.com: {p}/",
    "https://pictures.example.com:0x1bb/",
    "https://pictures.example.com:٤٤٣/",
    "https://pictures.example.com:443:{p}/",
    "https://pictures.example.com:/",
    "https://8.8.8.8:6379/",
    # IPv6 that is none
    "https://2606:4700::1:{p}/",
    "https://[2606:4700::1:{p}/",
    "https://[2606:4700::1]]:{p}/",
    "https://[]:{p}/",
    "https://[v1.fe80::1]:{p}/",
    "https://[fe80::1%25lo]:{p}/",
    "https://[2606:4700::1%lo]:{p}/",
    "https://[2606:4700::1%25lo]:{p}/",
    "https://[127.0.0.2]:{p}/",
    "https://[2606:4700::1]x:{p}/",
    "https://[::12345]:{p}/",
    "https://[::ffff:0x7f.0.0.2]:{p}/",
]

INNER_ADDRESSES = [
    # written properly, and still not public
    "https://127.0.0.2:{p}/",
    "https://127.255.255.254:{p}/",
    "https://0.0.0.0:{p}/",
    "https://10.0.0.1:{p}/",
    "https://172.16.0.1:{p}/",
    "https://172.31.255.255:{p}/",
    "https://192.168.1.1:{p}/",
    "https://169.254.169.254:{p}/latest/meta-data/",
    "https://100.100.100.200:{p}/",
    "https://192.0.0.192:{p}/",
    "https://168.63.129.16:{p}/",
    "https://255.255.255.255:{p}/",
    "https://224.0.0.1:{p}/",
    "https://[::]:{p}/",
    "https://[::127.0.0.2]:{p}/",
    "https://[::ffff:127.0.0.2]:{p}/",
    "https://[::ffff:7f00:2]:{p}/",
    "https://[0:0:0:0:0:ffff:7f00:0002]:{p}/",
    "https://[64:ff9b::127.0.0.2]:{p}/",
    "https://[64:ff9b:1::a00:1]:{p}/",
    "https://[2002:7f00:2::]:{p}/",
    "https://[2001:0:7f00:2::]:{p}/",
    "https://[fd00:ec2::254]:{p}/",
    "https://[fe80::1]:{p}/",
    "https://[ff02::1]:{p}/",
    # names that never are
    "https://localhost:{p}/",
    "https://LOCALHOST:{p}/",
    "https://api.localhost:{p}/",
    "https://localhost.localdomain:{p}/",
    "https://redis:{p}/",
    "https://metadata:{p}/",
    "https://metadata.google.internal:{p}/computeMetadata/v1/",
    "https://printer.local:{p}/",
    "https://db.corp:{p}/",
    "https://nas.home.arpa:{p}/",
    "https://router.lan:{p}/",
    "https://1.0.0.127.in-addr.arpa:{p}/",
]


@pytest.mark.parametrize("form", UNREADABLE + INNER_ADDRESSES)
async def test_it_is_refused_before_anything_happens(world: World, form: str) -> None:
    world.names.everything = [PUBLIC]
    url = form.replace("{p}", str(world.public.port))
    with pytest.raises(UrlRefused):
        async with open_fetch(world.guard, url, FetchLimits(1000, 30, world.ports)):
            pass
    posted = await send(world.guard, url, b"{}", {}, timeout_seconds=30, ports=world.ports)
    assert posted.status is None
    assert isinstance(posted.error, UrlRefused)
    assert world.names.asked == []
    world.assert_untouched()


@pytest.mark.parametrize("form", INNER_ADDRESSES)
async def test_every_inner_address_gets_the_same_sentence(world: World, form: str) -> None:
    with pytest.raises(UrlRefused) as refused:
        world.guard.check_form(form.replace("{p}", str(world.public.port)), world.ports)
    assert refused.value.detail == NOT_PUBLIC
    assert refused.value.errors == []


@pytest.mark.parametrize("form", UNREADABLE)
async def test_a_sentence_repeats_nothing_of_the_address(world: World, form: str) -> None:
    """What is shown in pages and logs is ours: a crafted address cannot write into it."""
    with pytest.raises(UrlRefused) as refused:
        world.guard.check_form(form.replace("{p}", str(world.public.port)), world.ports)
    assert INNER not in refused.value.detail
    assert "example" not in refused.value.detail
    assert refused.value.detail.isprintable()
