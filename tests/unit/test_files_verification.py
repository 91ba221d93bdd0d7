"""What we take as a picture, and what we say to everything else."""

import tempfile
import zlib
from collections.abc import Callable
from functools import cache
from io import BytesIO

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from comfyhoused.core.files.headers import HeaderTruncated, ImageHeader, read_header
from comfyhoused.core.files.png_check import PngDamaged, check_png
from comfyhoused.core.files.verification import (
    AnimatedImage,
    EmptyFile,
    NotAnImage,
    TooManyPixels,
    TruncatedImage,
    verify_image,
)
from comfyhoused.kit.errors import ComfyhouseError
from tests.hypotheses import UNHURRIED
from tests.pictures import encode, make_comfyui_png, make_image
from tests.unit.test_files_stripping import make_chunk

THUMBNAIL = encode(make_image(16, 16), "JPEG")
KINDS = ("PNG", "JPEG", "WEBP")
SAMPLES = {kind: encode(make_image(), kind) for kind in KINDS}


async def verify(data: bytes, max_pixels: int = 1_000_000) -> ImageHeader:
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        return await verify_image(file, max_pixels=max_pixels)


VARIANTS: dict[str, Callable[[], bytes]] = {
    "png rgba": lambda: encode(make_image(mode="RGBA")),
    "png palette": lambda: encode(make_image(mode="P")),
    "png grey": lambda: encode(make_image(mode="L")),
    "png one bit": lambda: encode(make_image(mode="1")),
    "png 16 bit": lambda: encode(make_image(mode="I;16")),
    "png with texts": lambda: make_comfyui_png(width=64, height=48),
    "jpeg progressive": lambda: encode(make_image(), "JPEG", progressive=True),
    "jpeg grey": lambda: encode(make_image(mode="L"), "JPEG"),
    "jpeg cmyk": lambda: encode(make_image(mode="CMYK"), "JPEG"),
    "jpeg with a long profile": lambda: encode(make_image(), "JPEG", icc_profile=bytes(300_000)),
    "jpeg with a film behind it": lambda: SAMPLES["JPEG"] + b"ftypmp42\xff\xda\xff\xd9\xff\xda" * 9,
    "jpeg with a thumbnail": lambda: encode(make_image(), "JPEG", exif=b"Exif\0\0" + THUMBNAIL),
    "webp lossless": lambda: encode(make_image(), "WEBP", lossless=True),
    "webp alpha": lambda: encode(make_image(mode="RGBA"), "WEBP"),
    "webp with exif": lambda: encode(make_image(), "WEBP", exif=b"Exif\0\0"),
}


@pytest.mark.parametrize("name", VARIANTS)
async def test_every_usual_kind_is_taken(name: str) -> None:
    header = await verify(VARIANTS[name]())
    assert (header.width, header.height) == (64, 48)
    assert header.content_type == f"image/{name.split()[0]}"


@pytest.mark.parametrize(("width", "height"), [(1, 1), (3, 7), (4096, 1), (1, 4096), (640, 641)])
@pytest.mark.parametrize("kind", KINDS)
async def test_every_size_is_read(kind: str, width: int, height: int) -> None:
    header = await verify(encode(make_image(width, height), kind), 5_000_000)
    assert (header.width, header.height) == (width, height)


def interlace(width: int, height: int) -> bytes:
    """Write an Adam7 PNG by hand: Pillow reads them, but does not write them."""
    passes = [(8, 8, 0, 0), (8, 8, 4, 0), (4, 8, 0, 4), (4, 4, 2, 0), (2, 4, 0, 2), (2, 2, 1, 0)]
    rows = b""
    for across, down, x, y in [*passes, (1, 2, 0, 1)]:
        columns = len(range(x, width, across))
        if columns:
            rows += (b"\0" + bytes(columns)) * len(range(y, height, down))
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 0, 0, 0, 1])
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(make_chunk(*chunk) for chunk in chunks)


@pytest.mark.parametrize("side", [1, 2, 3, 4, 5, 8, 9, 33])
async def test_interlaced_pngs_are_taken(side: int) -> None:
    data = interlace(side, 5)
    Image.open(BytesIO(data)).load()
    assert (await verify(data)).width == side


@pytest.mark.parametrize("kind", KINDS)
@given(share=st.floats(0, 0.999))
@settings(UNHURRIED, max_examples=40)
async def test_a_truncated_picture_is_refused(kind: str, share: float) -> None:
    data = SAMPLES[kind]
    with pytest.raises((TruncatedImage, NotAnImage, EmptyFile)) as caught:
        await verify(data[: int(len(data) * share)])
    if share > 0.05:
        assert caught.type is TruncatedImage


async def test_a_thumbnails_end_is_not_the_pictures() -> None:
    data = VARIANTS["jpeg with a thumbnail"]()
    with pytest.raises(TruncatedImage, match="before its end mark"):
        await verify(data[: len(data) // 2])


@pytest.mark.parametrize("missing", range(1, 13))
async def test_a_png_without_its_last_bytes_is_refused(missing: int) -> None:
    with pytest.raises(TruncatedImage):
        await verify(SAMPLES["PNG"][:-missing])


@given(position=st.integers(8, len(SAMPLES["PNG"]) - 1), bit=st.integers(0, 7))
@settings(UNHURRIED, max_examples=60)
async def test_a_single_wrong_bit_in_a_png_is_seen(position: int, bit: int) -> None:
    damaged = bytearray(SAMPLES["PNG"])
    damaged[position] ^= 1 << bit
    with pytest.raises((TruncatedImage, TooManyPixels)):
        await verify(bytes(damaged))


@pytest.mark.parametrize("kind", KINDS)
@given(noise=st.binary(max_size=200), cut=st.integers(0, 400))
@settings(UNHURRIED, max_examples=40)
async def test_garbage_gets_an_answer_of_ours(kind: str, noise: bytes, cut: int) -> None:
    try:
        await verify(SAMPLES[kind][:cut] + noise)
    except ComfyhouseError as error:
        assert error.status in (400, 413, 415, 422)  # noqa: PT017  either outcome is right


OTHERS = {
    "a GIF": encode(make_image(), "GIF"),
    "a TIFF": encode(make_image(), "TIFF"),
    "a BMP": encode(make_image(), "BMP"),
    "an AVIF picture": b"\0\0\0\x20ftypavif" + bytes(40),
    "a HEIC picture": b"\0\0\0\x18ftypheic" + bytes(40),
    "a PDF": b"%PDF-1.7\n",
    "a ZIP archive": b"PK\x03\x04" + bytes(30),
    "a video": b"\0\0\0\x20ftypisom" + bytes(40),
    "text": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
    "something else": bytes(100),
}


@pytest.mark.parametrize("name", OTHERS)
async def test_what_is_no_picture_of_ours_is_named(name: str) -> None:
    with pytest.raises(NotAnImage, match=name) as caught:
        await verify(OTHERS[name])
    assert caught.value.status == 415


async def test_nothing_is_refused() -> None:
    with pytest.raises(EmptyFile):
        await verify(b"")


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
async def test_moving_pictures_are_refused(kind: str) -> None:
    frames = [make_image(seed=seed) for seed in range(3)]
    with pytest.raises(AnimatedImage):
        await verify(encode(frames[0], kind, save_all=True, append_images=frames[1:]))


@cache
def make_bomb(side: int = 12_000) -> bytes:
    """Return a true PNG of a few hundred KB that unpacks to 144 million pixels."""
    header = side.to_bytes(4, "big") * 2 + bytes([8, 0, 0, 0, 0])
    rows = zlib.compressobj(6)
    pixels = b"".join(rows.compress(bytes(side + 1)) for _ in range(side)) + rows.flush()
    chunks = ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(make_chunk(*chunk) for chunk in chunks)


async def test_a_decompression_bomb_is_refused_by_its_header() -> None:
    with pytest.raises(TooManyPixels, match="12000 × 12000"):
        await verify(make_bomb(), 100_000_000)


async def test_a_bomb_is_checked_in_flat_memory() -> None:
    """Even where so many pixels are allowed, they are never all in memory."""
    data = make_bomb()
    process = psutil.Process()
    before = process.memory_info().rss
    header = await verify(data, 150_000_000)
    assert header.pixels == 144_000_000
    assert process.memory_info().rss - before < 50_000_000


async def test_a_png_that_lies_about_its_size_is_refused() -> None:
    """A small header over many pixels would pass a look at the header alone."""
    header = (8).to_bytes(4, "big") * 2 + bytes([8, 0, 0, 0, 0])
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(10_000_000))), (b"IEND", b""))
    data = b"\x89PNG\r\n\x1a\n" + b"".join(make_chunk(*chunk) for chunk in chunks)
    with pytest.raises(TruncatedImage, match="more pixels than it says"):
        await verify(data)


HOSTILE = {
    "empty png chunks": SAMPLES["PNG"][:33] + make_chunk(b"tEXt", b"") * 1_000_000,
    "jpeg filler": b"\xff\xd8\xff\xe0\x00\x02" + bytes(10_000_000),
    "jpeg segments": b"\xff\xd8" + b"\xff\xe0\x00\x02" * 2_000_000,
    "jpeg fill bytes": b"\xff\xd8" + b"\xff" * 10_000_000,
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_nonsense_is_given_up_early(name: str) -> None:
    """A step of Python for each few bytes of 100 MB would keep us busy for minutes."""
    with tempfile.TemporaryFile() as file:
        file.write(HOSTILE[name])
        with pytest.raises(TruncatedImage):
            await verify_image(file, max_pixels=10**6)
        assert file.tell() < 2_000_000


async def test_a_jpeg_of_endless_scans_is_refused() -> None:
    """Each scan of a progressive JPEG goes over all of its pixels, and may be empty."""
    many = b"\xff\xda\x00\x02" * 1_000_000
    with pytest.raises(TruncatedImage, match="more scans than any program writes"):
        await verify(VARIANTS["jpeg progressive"]()[:-2] + many + b"\xff\xd9")


@pytest.mark.parametrize("width", [0, 2**31, 2**32 - 1])
def test_a_png_of_impossible_size_is_damaged(width: int) -> None:
    header = width.to_bytes(4, "big") + (1).to_bytes(4, "big") + bytes([8, 0, 0, 0, 0])
    with pytest.raises(PngDamaged):
        check_png(BytesIO(b"\x89PNG\r\n\x1a\n" + make_chunk(b"IHDR", header)))


@given(data=st.binary(max_size=400), start=st.sampled_from([b"", *(SAMPLES[k] for k in KINDS)]))
@UNHURRIED
def test_headers_of_anything_are_read_without_a_crash(data: bytes, start: bytes) -> None:
    try:
        header = read_header(BytesIO(start[:20] + data))
    except HeaderTruncated:
        return
    assert header is None or header.pixels >= 0
