"""Prompts leave pictures while they stream, wherever the chunks are cut."""

import struct
import zlib
from collections.abc import AsyncIterator
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from comfyhoused.core.files.png import strip_png_text
from comfyhoused.core.files.webp import strip_webp_text
from tests.hypotheses import UNHURRIED
from tests.pictures import encode, make_comfyui_png, make_image

PROMPT = b"a secret prompt"
PLAIN = encode(make_image())
FROM_COMFYUI = make_comfyui_png()
cuts = st.lists(st.integers(0, len(FROM_COMFYUI)), max_size=30)


async def cut(data: bytes, at: list[int]) -> AsyncIterator[bytes]:
    start = 0
    for end in [*sorted(position % (len(data) + 1) for position in at), len(data)]:
        yield data[start:end]
        start = end


async def strip(data: bytes, at: list[int] | None = None) -> bytes:
    return b"".join([piece async for piece in strip_png_text(cut(data, at or []))])


async def blank(data: bytes, at: list[int] | None = None) -> bytes:
    return b"".join([piece async for piece in strip_webp_text(cut(data, at or []))])


def make_chunk(name: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)


@given(at=cuts)
@UNHURRIED
async def test_text_goes_and_pixels_stay(at: list[int]) -> None:
    stripped = await strip(FROM_COMFYUI, at)
    assert stripped == PLAIN


async def test_every_single_cut() -> None:
    for position in range(200):
        assert await strip(FROM_COMFYUI, [position, position + 1]) == PLAIN
        end = len(FROM_COMFYUI) - position
        assert await strip(FROM_COMFYUI, [end - 1, end]) == PLAIN


async def test_a_byte_at_a_time() -> None:
    assert await strip(FROM_COMFYUI, list(range(len(FROM_COMFYUI)))) == PLAIN


async def test_text_of_every_kind_goes() -> None:
    """The usual text chunks, and ComfyUI's own `comf` chunk of animated files."""
    texts = PngInfo()
    texts.add(b"comf", b"prompt\0" + PROMPT, after_idat=True)
    texts.add(b"prVt", PROMPT)
    texts.add_text("prompt", PROMPT.decode())
    data = encode(make_image(), pnginfo=texts)
    data = data[:33] + make_chunk(b"eXIf", PROMPT) + data[33:] + b"behind the end: " + PROMPT
    assert data.count(PROMPT) == 5
    assert await strip(data) == PLAIN


async def test_colours_and_frames_stay() -> None:
    frames = [make_image(seed=seed) for seed in range(3)]
    data = encode(
        frames[0], save_all=True, append_images=frames[1:], dpi=(300, 300), icc_profile=b"profile"
    )
    assert await strip(data) == data
    assert Image.open(BytesIO(await strip(data))).info["icc_profile"] == b"profile"
    transparent = encode(make_image(mode="P"), transparency=3)
    assert await strip(transparent) == transparent


@given(data=st.binary(max_size=300), at=cuts)
@UNHURRIED
async def test_anything_else_passes_untouched(data: bytes, at: list[int]) -> None:
    assert await strip(data, at) == data


@given(data=st.binary(max_size=300), at=cuts)
@UNHURRIED
async def test_damaged_files_never_break_the_sieve(data: bytes, at: list[int]) -> None:
    damaged = PLAIN[:33] + data
    assert (await strip(damaged, at)).startswith(PLAIN[:33])
    assert await strip(damaged, at) == await strip(damaged)


@pytest.mark.parametrize("length", range(9))
async def test_a_beginning_of_a_signature_passes(length: int) -> None:
    assert await strip(PLAIN[:length]) == PLAIN[:length]


async def test_a_picture_of_megabytes_is_not_held_back() -> None:
    """What goes in comes out at once: a sieve that collected would grow with the picture."""
    data = encode(make_image(900, 900))
    given_bytes = 0

    async def count() -> AsyncIterator[bytes]:
        nonlocal given_bytes
        for start in range(0, len(data), 10_000):
            given_bytes = min(start + 10_000, len(data))
            yield data[start : start + 10_000]

    taken_bytes = 0
    async for piece in strip_png_text(count()):
        taken_bytes += len(piece)
        assert given_bytes - taken_bytes <= 10_000 + 8
    assert taken_bytes == len(data)


def make_webp(**options: object) -> bytes:
    frames = [make_image(seed=seed) for seed in range(2)]
    exif = Image.Exif()
    exif[0x010F] = f"workflow:{PROMPT.decode()}"
    return encode(frames[0], "WEBP", save_all=True, append_images=frames[1:], exif=exif, **options)


@given(at=cuts)
@UNHURRIED
async def test_webp_metadata_is_blanked(at: list[int]) -> None:
    """SaveAnimatedWEBP writes the workflow into EXIF."""
    data = make_webp(xmp=b"<x>" + PROMPT + b"</x>")
    blanked = await blank(data, at)
    assert data.count(PROMPT) == 2
    assert PROMPT not in blanked
    assert len(blanked) == len(data)
    image = Image.open(BytesIO(blanked))
    assert getattr(image, "n_frames", 1) == 2
    assert not image.getexif()
    for frame in range(2):
        image.seek(frame)
        original = Image.open(BytesIO(data))
        original.seek(frame)
        assert image.convert("RGB").tobytes() == original.convert("RGB").tobytes()


@given(data=st.binary(max_size=100), at=cuts)
@UNHURRIED
async def test_webp_sieve_keeps_the_length_of_anything(data: bytes, at: list[int]) -> None:
    assert await blank(data, at) == data
    webp = b"RIFF\x00\x00\x00\x00WEBP" + data
    assert len(await blank(webp, at)) == len(webp)
    assert await blank(webp, at) == await blank(webp)


async def test_a_still_webp_is_unchanged() -> None:
    data = encode(make_image(), "WEBP", lossless=True)
    assert await blank(data, [3, 11, 13, 40]) == data
