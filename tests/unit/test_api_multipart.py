"""Forms are read while they arrive, wherever their chunks are cut."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfyhoused.api.multipart import MalformedForm, open_file_part
from tests.hypotheses import UNHURRIED

TYPE = 'multipart/form-data; boundary="a-boundary"'
CONTENT = bytes(range(256)) * 3 + b"\r\n--a-boundar\r\n\r\n--a-bound"


def make_form(content: bytes = CONTENT, name: str = "file") -> bytes:
    parts = [
        b'Content-Disposition: form-data; name="purpose"\r\n\r\ninput',
        b'Content-Disposition: form-data; name="' + name.encode() + b'"; filename="a.png"\r\n'
        b"Content-Type: image/png\r\n\r\n" + content,
        b'content-disposition: form-data; name="file"; filename="second.png"\r\n\r\nsecond',
    ]
    return b"".join(b"--a-boundary\r\n" + part + b"\r\n" for part in parts) + b"--a-boundary--\r\n"


FORM = make_form()
cuts = st.lists(st.integers(0, len(FORM)), max_size=20)


async def cut(data: bytes, at: list[int]) -> AsyncIterator[bytes]:
    start = 0
    for end in [*sorted(at), len(data)]:
        yield data[start:end]
        start = end


async def read(data: bytes, at: list[int], content_type: str = TYPE) -> tuple[str | None, bytes]:
    part = await open_file_part(content_type, cut(data, at))
    return part.declared_type, b"".join([chunk async for chunk in part.chunks])


@given(at=cuts)
@UNHURRIED
async def test_the_first_field_called_file_is_read(at: list[int]) -> None:
    assert await read(FORM, at) == ("image/png", CONTENT)


async def test_an_empty_file_is_read_as_empty() -> None:
    assert await read(make_form(b""), []) == ("image/png", b"")


@given(length=st.integers(0, len(make_form(CONTENT)) - 120))
@UNHURRIED
async def test_a_form_that_ends_early_is_malformed(length: int) -> None:
    with pytest.raises(MalformedForm):
        await read(FORM[: min(length, FORM.index(CONTENT) + len(CONTENT))], [])


@pytest.mark.parametrize(
    "content_type",
    ["multipart/form-data", "multipart/form-data; boundary=", "multipart/mixed; boundary=a", ""],
)
async def test_a_form_without_a_boundary_is_malformed(content_type: str) -> None:
    with pytest.raises(MalformedForm):
        await read(FORM, [], content_type)


@given(data=st.binary(max_size=300))
@UNHURRIED
async def test_nonsense_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedForm):
        await read(data, [])


async def test_a_form_without_the_field_is_malformed() -> None:
    form = make_form(name="picture").replace(b'name="file"', b'name="other"')
    with pytest.raises(MalformedForm, match="no field `file`"):
        await read(form, [])


async def test_the_file_passes_on_as_it_comes() -> None:
    """A form of 50 MB never waits in memory: what arrives is handed on at once."""
    given_bytes, taken_bytes = 0, 0
    head, tail = make_form(b"|").split(b"|")

    async def send() -> AsyncIterator[bytes]:
        nonlocal given_bytes
        yield head
        for _ in range(800):
            given_bytes += 65_536
            yield bytes(65_536)
        yield tail

    part = await open_file_part(TYPE, send())
    async for chunk in part.chunks:
        taken_bytes += len(chunk)
        assert given_bytes - taken_bytes <= 65_536
    assert taken_bytes == 800 * 65_536
