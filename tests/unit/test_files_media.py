"""The prompt is taken out of films and sounds; everything else of them stays, byte for byte."""

import random
from collections.abc import AsyncIterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from comfyhoused.core.files.media import strip_media_text

SECRET = b'{"prompt": "a secret boat"}'


async def strip(data: bytes, sizes: list[int] | None = None) -> bytes:
    async def split() -> AsyncIterator[bytes]:
        at = 0
        for size in sizes or [len(data)]:
            yield data[at : at + size]
            at += size
        yield data[at:]

    return b"".join([piece async for piece in strip_media_text(split())])


def make_box(name: bytes, body: bytes, *, is_large: bool = False) -> bytes:
    if is_large:
        return (1).to_bytes(4, "big") + name + (16 + len(body)).to_bytes(8, "big") + body
    return (8 + len(body)).to_bytes(4, "big") + name + body


def make_mp4(*, is_large: bool = False) -> bytes:
    udta = make_box(b"udta", make_box(b"meta", SECRET), is_large=is_large)
    moov = make_box(b"mvhd", b"\x01" * 100) + make_box(b"trak", b"\x02" * 50) + udta
    return b"".join((
        make_box(b"ftyp", b"isomiso2avc1mp41" + b"\0" * 16),
        make_box(b"moov", moov + make_box(b"mvex", b"\x03" * 8), is_large=is_large),
        make_box(b"mdat", b"udta meta " * 100),
    ))  # fmt: skip


def make_element(element_id: bytes, body: bytes, width: int = 8) -> bytes:
    size = (1 << 7 * width) | len(body)
    return element_id + size.to_bytes(width, "big") + body


def make_webm(width: int) -> bytes:
    tags = make_element(b"\x12\x54\xc3\x67", SECRET * 3, width)
    cluster = make_element(b"\x1f\x43\xb6\x75", b"\x05" * 300)
    segment = make_element(b"\x15\x49\xa9\x66", b"\x04" * 40) + tags + cluster
    return make_element(b"\x1a\x45\xdf\xa3", b"\x01" * 31) + make_element(
        b"\x18\x53\x80\x67", segment
    )


def make_flac() -> bytes:
    blocks = ((0, b"\x01" * 34), (4, SECRET), (2, b"appl" + SECRET), (3 | 0x80, b"\x02" * 18))
    heads = [bytes([kind]) + len(body).to_bytes(3, "big") + body for kind, body in blocks]
    return b"fLaC" + b"".join(heads) + b"\xff\xf8" + b"fLaC" * 100


def make_mp3(flags: int = 0) -> bytes:
    body = SECRET * 10
    size = bytes([0, 0, len(body) >> 7, len(body) & 0x7F])
    footer = b"3DI" + bytes(7) if flags & 0x10 else b""
    return b"ID3\x04\x00" + bytes([flags]) + size + body + footer + b"\xff\xfb" + b"sound" * 100


FILES = {
    "mp4": make_mp4(),
    "mp4 of large boxes": make_mp4(is_large=True),
    "webm": make_webm(8),
    "webm of short lengths": make_webm(2),
    "flac": make_flac(),
    "mp3": make_mp3(),
    "mp3 with a footer": make_mp3(0x10),
}


@pytest.mark.parametrize("name", FILES)
async def test_prompt_is_gone_whatever_the_pieces(name: str) -> None:
    data = FILES[name]
    whole = await strip(data)
    assert b"secret" in data
    assert b"secret" not in whole
    assert b"{" not in whole
    chance = random.Random(name)
    for _ in range(30):
        assert await strip(data, [chance.randint(1, 40) for _ in range(200)]) == whole


@pytest.mark.parametrize("name", [name for name in FILES if not name.startswith("mp3")])
async def test_no_byte_moves(name: str) -> None:
    data, stripped = FILES[name], await strip(FILES[name])
    assert len(stripped) == len(data)
    assert stripped[-200:] == data[-200:]
    changed = [at for at, (old, new) in enumerate(zip(data, stripped, strict=True)) if old != new]
    assert max(changed) - min(changed) < 3 * len(SECRET) + 40


async def test_what_takes_the_place_of_tags() -> None:
    assert (await strip(make_mp4())).count(b"free") == 1
    mp3 = await strip(make_mp3(0x10))
    assert mp3 == b"\xff\xfb" + b"sound" * 100
    flac = await strip(make_flac())
    assert [flac[4], flac[42], flac[73]] == [0, 1, 1]
    webm = await strip(make_webm(8))
    at = webm.index(b"\xec", 60)
    void = int.from_bytes(webm[at + 1 : at + 9], "big") & (1 << 56) - 1
    assert webm[at + 9 + void :].startswith(b"\x1f\x43\xb6\x75")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"short",
        b"\0\0\0\x20ftypavif" + b"\0" * 20 + make_box(b"meta", SECRET) + b"rest",
        b"\0\0\0\x00ftyp" + b"x" * 90,
        make_box(b"ftyp", b"x" * 30) + b"\0\0\0\x01",
        b"\x1a\x45\xdf\xa3\x00" + b"x" * 60,
        make_element(b"\x1a\x45\xdf\xa3", b"y" * 31) + b"\x1f\x43\xb6\x75\xff" + SECRET,
        b"plain words " * 50,
        b"fLaC" + b"\x81\0\0\x04" + SECRET * 2,
    ],
)
async def test_anything_else_passes_unchanged(data: bytes) -> None:
    assert await strip(data) == data
    assert await strip(data, [1] * 200) == data


async def test_a_real_film_still_plays(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10, (64, 48))
    for shade in range(0, 250, 25):
        writer.write(np.full((48, 64, 3), shade, np.uint8))
    writer.release()
    data = path.read_bytes()
    path.write_bytes(await strip(data, [1000] * 20))

    film = cv2.VideoCapture(str(path))
    frames = 0
    while film.read()[0]:
        frames += 1
    assert frames == 10
    assert b"udta" in data
    assert b"Lavf" not in path.read_bytes()
