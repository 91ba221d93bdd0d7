"""What phones, cameras and programs do with photos beyond the plain case."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.color import deltaE_ciede2000, rgb2lab

from comfyhoused.core.photos.encoding import choose_webp
from comfyhoused.core.photos.errors import PhotoTooLarge, PhotoUnreadable
from comfyhoused.core.photos.finishing import finish_photo
from comfyhoused.core.photos.png_parts import write_png
from comfyhoused.core.photos.preparing import inspect_photo, prepare_photo
from comfyhoused.core.photos.previews import make_preview
from comfyhoused.core.photos.shapes import FinishedPhoto
from tests.photo_files import (
    COPYRIGHT,
    make_exif,
    make_profile,
    make_scene,
    make_xmp,
    open_upright,
    write_photo,
)

FILM = b"\x00\x00\x00\x18ftypmp42" + bytes(range(256)) * 8
#: From linear P3 to linear sRGB; both have the white of D65 (CSS Color 4, 10.2 and 18).
P3_TO_SRGB = (
    (1.2249401762805598, -0.22494017628055996, 0.0),
    (-0.042056954709688163, 1.0420569547096881, 0.0),
    (-0.019637554590334432, -0.078636045550631889, 1.0982736001409663),
)
SAMSUNG = b"\x00\x00\x30\x0a\x10\x00\x00\x00MotionPhoto_Data"


def pass_through(original: Path, folder: Path) -> FinishedPhoto:
    prepare_photo(original, folder / "prepared.png")
    return finish_photo(original, folder / "prepared.png", folder / "result")


def write_jpeg(path: Path, behind: bytes = b"", **options: object) -> Path:
    write_photo(path, "jpeg", Image.fromarray(make_scene()), **options)
    path.write_bytes(path.read_bytes() + behind)
    return path


@pytest.mark.parametrize("behind", [FILM, SAMSUNG + FILM + b"SEFT"])
def test_a_motion_photo_s_film_stays_behind_and_that_is_said(behind: bytes, tmp_path: Path) -> None:
    said = make_xmp(1).replace(b"<tiff:", b'<rdf:li GCamera:MotionPhoto="1"/><tiff:')
    original = write_jpeg(tmp_path / "photo.jpg", behind, xmp=said)
    assert pass_through(original, tmp_path).notes == ("hdr_part_dropped",)
    content = (tmp_path / "result").read_bytes()
    assert b"ftyp" not in content
    assert b'GCamera:MotionPhoto="0"' in content
    assert np.abs(open_upright(tmp_path / "result") - make_scene()).mean() < 2


def test_a_heic_s_film_stays_behind_as_well(tmp_path: Path) -> None:
    original = write_photo(tmp_path / "photo", "heic", Image.fromarray(make_scene()))
    original.write_bytes(original.read_bytes() + struct.pack(">I4s", 8 + len(FILM), b"mpvd") + FILM)
    assert pass_through(original, tmp_path).notes == ("hdr_part_dropped",)
    assert b"mpvd" not in (tmp_path / "result").read_bytes()


def make_index(kind: int) -> bytes:
    """Return an MPF segment that names the photo and a picture of that kind."""
    entries = struct.pack(">5I", 0x030000, 0, 0, 0, 0)[:16] + struct.pack(">4I", kind, 99, 9, 0)
    rows = ((0xB000, 7, 4, 0x30313030), (0xB001, 4, 1, 2), (0xB002, 7, 32, 50))
    table = struct.pack(">H", 3) + b"".join(struct.pack(">HHII", *row) for row in rows) + bytes(4)
    content = b"MPF\x00MM\x00*" + struct.pack(">I", 8) + table + entries
    return b"\xff\xe2" + struct.pack(">H", len(content) + 2) + content


@pytest.mark.parametrize(
    ("kind", "notes"),
    [(0x010002, ()), (0x020002, ("hdr_part_dropped",)), (0, ("hdr_part_dropped",))],
)
def test_a_camera_s_preview_is_no_loss_another_view_is(
    kind: int, notes: tuple[str, ...], tmp_path: Path
) -> None:
    small = io.BytesIO()
    Image.fromarray(make_scene(32, 24)).save(small, "JPEG")
    original = write_jpeg(tmp_path / "photo.jpg", small.getvalue(), extra=make_index(kind))
    assert pass_through(original, tmp_path).notes == notes
    content = (tmp_path / "result").read_bytes()
    assert content.count(b"\xff\xd8\xff") == 1
    assert b"MPF\x00" not in content


def test_a_picture_that_no_index_names_is_told_of(tmp_path: Path) -> None:
    original = write_jpeg(tmp_path / "photo.jpg")
    original.write_bytes(original.read_bytes() * 2)
    assert pass_through(original, tmp_path).notes == ("hdr_part_dropped",)
    original.write_bytes(write_jpeg(tmp_path / "other.jpg").read_bytes() + bytes(4096))
    assert pass_through(original, tmp_path).notes == ()  # filler is nothing


def test_only_exif_turns_a_photo(tmp_path: Path) -> None:
    """Browsers and phones do not follow XMP's orientation; the result says that it is upright."""
    original = write_jpeg(tmp_path / "photo.jpg", xmp=make_xmp(6))
    pass_through(original, tmp_path)
    assert np.abs(open_upright(tmp_path / "result") - make_scene()).mean() < 2
    assert b'tiff:Orientation="1"' in (tmp_path / "result").read_bytes()


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "heic"])
def test_exif_larger_than_a_segment_is_kept(kind: str, tmp_path: Path) -> None:
    """A JPEG holds it in more than one segment, as several programs write it."""
    note = bytes(np.random.default_rng(5).integers(0, 256, 150_000, np.uint8))
    exif = make_exif(1, maker_note=note)
    image = Image.fromarray(make_scene())
    if kind == "jpeg":
        original = write_jpeg(tmp_path / "photo", exif=b"")
        pieces = [exif[at : at + 65_527] for at in range(0, len(exif), 65_527)]
        segments = [b"Exif\x00\x00" + piece for piece in pieces]
        made = [b"\xff\xe1" + struct.pack(">H", len(one) + 2) + one for one in segments]
        content = original.read_bytes()
        original.write_bytes(content[:2] + b"".join(made) + content[2:])
    else:
        mark = b"Exif\x00\x00" if kind == "heic" else b""
        original = write_photo(tmp_path / "photo", kind, image, exif=mark + exif)
    assert pass_through(original, tmp_path).notes == ()
    with Image.open(tmp_path / "result") as result:
        said = result.getexif()
        assert said[0x8298].encode("latin-1").decode() == COPYRIGHT
        assert said.get_ifd(0x8769)[0x927C] == note


def test_words_too_long_for_a_segment_are_left_out_and_nothing_else(tmp_path: Path) -> None:
    """The packet fills its segment, and grows by a digit as the width is written into it."""
    packet = make_xmp(1)
    packet = packet.replace(b"Ada", b"A" * (65_504 + 3 - len(packet)))
    original = write_jpeg(tmp_path / "photo.jpg", xmp=packet)
    assert pass_through(original, tmp_path).notes == ("metadata_dropped",)
    with Image.open(tmp_path / "result") as result:
        assert "xmp" not in result.info
        assert result.getexif()[0x010F] == "Comfycam"


def make_prophoto() -> bytes:
    """Return Adobe RGB's profile with ProPhoto's corners and its exponent of 1.8."""
    corners = (
        ((0.60974, 0.31111, 0.01947), (0.79767, 0.28804, 0.0)),
        ((0.20528, 0.62567, 0.06087), (0.13519, 0.71188, 0.0)),
        ((0.14919, 0.06322, 0.74457), (0.03134, 0.00009, 0.82491)),
    )
    profile = make_profile("adobe")
    assert profile is not None
    for ours, theirs in corners:
        before, after = (
            b"".join(struct.pack(">i", round(65536 * one)) for one in three)
            for three in (ours, theirs)
        )
        assert profile.count(before) == 1
        profile = profile.replace(before, after)
    gammas = (struct.pack(">i", round(65536 * one)) for one in (563 / 256, 1.8))
    return profile.replace(*gammas)


@pytest.mark.parametrize("kind", ["jpeg", "tiff", "png"])
def test_a_very_large_colour_space_comes_back(kind: str, tmp_path: Path) -> None:
    profile = make_prophoto()
    muted = (96 + make_scene().astype(np.float64) / 4).round().astype(np.uint8)
    original = write_photo(tmp_path / "photo", kind, Image.fromarray(muted), profile=profile)
    assert pass_through(original, tmp_path).notes == ()
    with Image.open(tmp_path / "result") as result, Image.open(original) as before:
        assert result.info["icc_profile"] == profile
        apart = np.abs(np.asarray(result).astype(float) - np.asarray(before).astype(float))
    assert apart.mean() < 1.5
    shown = rgb2lab(open_upright(tmp_path / "prepared.png") / 255)
    taken_for_srgb = rgb2lab(muted / 255)
    assert deltaE_ciede2000(shown, taken_for_srgb).mean() > 3  # it was converted at all


def test_a_png_of_16_bits_of_colour_is_edited_as_8_and_says_so(tmp_path: Path) -> None:
    scene = make_scene()
    rows = b"".join(b"\x00" + row.astype(">u2").tobytes() for row in scene.astype(np.uint16) * 257)
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", 96, 64, 16, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    content = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in parts
    )
    (tmp_path / "p.png").write_bytes(content)
    finished = pass_through(tmp_path / "p.png", tmp_path)
    assert (finished.kind, finished.notes) == ("png", ("eight_bits",))
    assert np.array_equal(open_upright(tmp_path / "result"), scene)


def test_a_webp_without_loss_stays_so_while_memory_lets_us(tmp_path: Path) -> None:
    scene = Image.fromarray(make_scene(channels=4))
    path = write_photo(tmp_path / "photo", "webp", scene, lossless=True, exact=True)
    assert pass_through(path, tmp_path).notes == ()
    assert np.array_equal(open_upright(tmp_path / "result"), np.asarray(scene, np.float64))
    assert "lossless" in choose_webp(20_000_000, is_lossless=True)
    assert choose_webp(20_000_001, is_lossless=True) == {"quality": 100, "exact": True}


def test_a_palette_comes_back_as_its_colours(tmp_path: Path) -> None:
    image = Image.fromarray(make_scene()).quantize(64)
    image.save(tmp_path / "p.png")
    assert pass_through(tmp_path / "p.png", tmp_path).notes == ()
    assert np.array_equal(open_upright(tmp_path / "result"), np.asarray(image.convert("RGB")))


def write_huge_header(path: Path, kind: str) -> Path:
    """Write a small photo whose header says that it has the most pixels its kind may have."""
    write_photo(path, kind, Image.fromarray(make_scene()))
    content = bytearray(path.read_bytes())
    if kind == "jpeg":
        at = content.index(b"\xff\xc0") + 5
        content[at : at + 4] = struct.pack(">HH", 65_500, 65_500)
    elif kind == "webp":
        at = content.index(b"VP8X") + 12
        content[at : at + 6] = (16_383).to_bytes(3, "little") * 2
    elif kind == "tiff":
        for tag in (256, 257):
            at = content.index(struct.pack(">HHI", tag, 4, 1)) + 8
            content[at : at + 4] = struct.pack(">I", 60_000)
    else:
        while (at := content.find(b"ispe" + bytes(4) + struct.pack(">II", 96, 64))) >= 0:
            content[at + 8 : at + 16] = struct.pack(">II", 60_000, 60_000)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("kind", ["jpeg", "webp", "tiff", "heic"])
def test_a_bomb_of_any_kind_is_refused_before_it_is_decoded(kind: str, tmp_path: Path) -> None:
    with pytest.raises((PhotoTooLarge, PhotoUnreadable)):
        inspect_photo(write_huge_header(tmp_path / "bomb", kind))


def test_gps_and_copyright_stay_where_all_else_is_broken(tmp_path: Path) -> None:
    """A directory that points outside keeps its photo from nothing."""
    exif = bytearray(make_exif(6))
    at = exif.index(struct.pack("<HHI", 0x8769, 4, 1)) + 8
    exif[at : at + 4] = b"\xff\xff\xff\x7f"
    original = write_jpeg(tmp_path / "photo.jpg", exif=b"Exif\x00\x00" + bytes(exif))
    finished = pass_through(original, tmp_path)
    assert (finished.width, finished.height) == (64, 96)
    with Image.open(tmp_path / "result") as result:
        said = result.getexif()
        assert said[0x0112] == 1
        assert said.get_ifd(0x8825)[1] == "N"


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_png_of_many_strips_is_the_same_to_the_level(channels: int, tmp_path: Path) -> None:
    noise = np.random.default_rng(2).integers(0, 256, (700, 1300, channels), np.uint8)
    noise[200:500] = 7  # runs, too
    image = Image.fromarray(noise[..., 0] if channels == 1 else noise)
    for is_packed in (True, False):
        with (tmp_path / "p.png").open("wb") as file:
            write_png(image, file, is_packed=is_packed)
        with Image.open(tmp_path / "p.png") as seen:
            assert seen.mode == image.mode
            assert np.array_equal(np.asarray(seen), np.asarray(image))


@pytest.mark.parametrize(("mode", "size"), [("RGB", (1050, 500)), ("RGBA", (1040, 400))])
def test_a_large_heic_has_no_seams(mode: str, size: tuple[int, int], tmp_path: Path) -> None:
    """Tiles above 1,024 pixels a side; with alpha one picture, of blocks that its level allows."""
    scene = Image.fromarray(make_scene(*size, channels=len(mode)))
    original = write_photo(tmp_path / "photo", "heic", scene.resize((64, 64)))
    scene.save(tmp_path / "output.png", compress_level=0)
    finished = finish_photo(original, tmp_path / "output.png", tmp_path / "result")
    assert (finished.kind, finished.width, finished.height) == ("heic", *size)
    apart = np.abs(open_upright(tmp_path / "result") - np.asarray(scene, np.float64))
    assert apart.mean() < 1.5
    assert apart.max() <= 12


def test_a_large_picture_is_made_small_by_whole_blocks(tmp_path: Path) -> None:
    scene = Image.linear_gradient("L").resize((2400, 1801))
    scene.save(tmp_path / "p.png", compress_level=0)
    for longest, made in ((1250, (1200, 901)), (1000, (1000, 750))):
        preview = make_preview(tmp_path / "p.png", tmp_path / "preview", longest)
        assert (preview.width, preview.height) == made
        with Image.open(tmp_path / "preview") as small:
            wanted = scene.resize(made, Image.Resampling.BOX).convert("RGB")
            apart = np.abs(np.asarray(small, np.float64) - np.asarray(wanted, np.float64))
        assert apart.mean() < 2


def test_display_p3_is_converted_to_the_level(tmp_path: Path) -> None:
    """Against the formulas, computed here in floating point, over the whole cube."""
    steps = np.arange(0, 256, 15, dtype=np.uint8)
    cube = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(54, 108, 3)
    Image.fromarray(cube).save(tmp_path / "p.png", icc_profile=make_profile("p3"))
    prepare_photo(tmp_path / "p.png", tmp_path / "prepared.png")
    levels = cube / 255
    linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ np.array(P3_TO_SRGB).T, 0, 1)
    curved = np.where(seen <= 0.0031308, seen * 12.92, 1.055 * seen ** (1 / 2.4) - 0.055)
    assert np.abs(open_upright(tmp_path / "prepared.png") - 255 * curved).max() <= 1.01
