"""Data URIs: every form of RFC 2397 that carries a picture, and nothing that is none."""

import base64
import tracemalloc
from urllib.parse import quote, quote_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfyhoused.core.files.data_uris import DataUriUnreadable, is_data_uri, parse_data_uri
from tests.hypotheses import UNHURRIED
from tests.pictures import encode, make_image

PICTURE = encode(make_image())
BASE64 = base64.b64encode(PICTURE).decode()


async def decode(text: str) -> bytes:
    assert is_data_uri(text)
    return b"".join([piece async for piece in parse_data_uri(text).decode()])


@pytest.mark.parametrize(
    ("text", "declared"),
    [
        (f"data:image/png;base64,{BASE64}", "image/png"),
        (f"DATA:IMAGE/PNG;BASE64,{BASE64}", "image/png"),
        (f"data:image/png;charset=utf-8;base64,{BASE64}", "image/png"),
        (f"data:image/png;name=a.png;x=y;base64,{BASE64}", "image/png"),
        (f"data:image/vnd.ms-photo+x;base64,{BASE64}", "image/vnd.ms-photo+x"),
        (f"data:;base64,{BASE64}", None),
        (f"data:image/png;base64,{BASE64.rstrip('=')}", "image/png"),
        (f"data:image/png;base64,{quote(BASE64, safe='')}", "image/png"),
        (f"data:image/png,{quote_from_bytes(PICTURE)}", "image/png"),
        (f"data:,{quote_from_bytes(PICTURE, safe='')}", None),
        ("data:image/png," + "".join(f"%{byte:02x}" for byte in PICTURE), "image/png"),
    ],
    ids=range(11),
)
async def test_every_form_is_read(text: str, declared: str | None) -> None:
    assert parse_data_uri(text).declared_type == declared
    assert await decode(text) == PICTURE


@pytest.mark.parametrize(
    "text",
    [
        "data:",
        "data:image/png;base64",
        "data:image/png",
        "data:image;base64,AAAA",
        "data:image/png;base64;charset=utf-8,AAAA",
        "data:image/png base64,AAAA",
        "data:" + "a" * 100_000,
        "data:image/png" + ";a=b" * 100_000 + ",AAAA",
        "data:image/png;base64,###",
        "data:image/png;base64,A",
        "data:image/png;base64,AA AA",
        "data:image/png;base64,AAAA\nAAAA",
        "data:image/png;base64,AA==AAAA",
        "data:image/png;base64,AA=A",
        "data:image/png;base64,AA-_",
        "data:image/png;base64,%41AAA",
        "data:image/png;base64,ÄÄÄÄ",
        "data:image/png;base64,\ud800AAA",
        "data:image/png;base64," + "AAA=" + "A" * 70_000,
        "data:image/png;base64," + "A" * 65_535 + "=" + "AAAA",
        "data:image/png,%",
        "data:image/png,%4",
        "data:image/png,%zz",
        "data:image/png,a b",
        "data:image/png,ä",
        "data:image/png,a\nb",
        "data:image/png," + "a" * 65_535 + "%",
    ],
    ids=range(27),
)
async def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(DataUriUnreadable) as refused:
        await decode(text)
    assert refused.value.detail.isascii() or "…" in refused.value.detail


@UNHURRIED
@given(
    content=st.binary(max_size=400),
    padding=st.integers(65_500, 65_570),
    is_base64=st.booleans(),
)
async def test_no_cut_between_pieces_shows(content: bytes, padding: int, is_base64: bool) -> None:
    content = b"x" * padding + content
    written = base64.b64encode(content).decode() if is_base64 else quote_from_bytes(content)
    head = "data:image/png;base64," if is_base64 else "data:image/png,"
    assert await decode(head + written) == content


async def test_every_character_may_stand_for_itself_or_be_escaped() -> None:
    plain = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) != "%")
    assert await decode(f"data:,{plain}") == plain.encode()
    every = bytes(range(256)) * 2
    assert await decode("data:," + "".join(f"%{byte:02X}" for byte in every)) == every
    assert await decode("data:,%3D=%3d%25=41%3D3D") == b"===%=41=3D"


@pytest.mark.parametrize("head", ["data:image/png;base64,", "data:image/png,"])
async def test_a_long_one_is_decoded_piece_by_piece(head: str) -> None:
    """A list of a million small pieces would take a hundred times its bytes."""
    text = head + ("AAAA" if "base64" in head else "%00A") * 300_000
    uri = parse_data_uri(text)
    tracemalloc.start()
    try:
        count = sum([len(piece) async for piece in uri.decode()])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == (900_000 if "base64" in head else 600_000)
    assert peak < 8 * len(text)
