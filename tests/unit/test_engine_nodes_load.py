"""Loading: decoding, orientation, alpha, 16 bits, animations, truncated files, names."""

import hashlib
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, UnidentifiedImageError

from comfyhouse_engine.context import Folders
from comfyhouse_engine.nodes import NODE_CLASS_MAPPINGS
from comfyhouse_engine.nodes.picture_file import TooManyPixels, read_channel, read_picture
from comfyhouse_engine.nodes.places import locate_file
from tests.engine_nodes import make_folders, run_node


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return make_folders(tmp_path)


def _levels(*shape: int) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, shape, dtype=np.uint8)


def _load(name: str = "x.png") -> tuple[np.ndarray, np.ndarray]:
    image, mask = run_node("LoadImage", image=name)
    assert image.dtype == mask.dtype == np.float32
    return image, mask


def test_rgb_picture_and_its_empty_mask(folders: Folders) -> None:
    pixels = _levels(6, 9, 3)
    Image.fromarray(pixels).save(folders.input / "x.png")
    image, mask = _load()
    assert np.array_equal(image, pixels[None] / np.float32(255))
    assert mask.shape == (1, 64, 64)
    assert not mask.any()


def test_alpha_becomes_an_inverted_mask(folders: Folders) -> None:
    pixels = _levels(6, 9, 4)
    Image.fromarray(pixels).save(folders.input / "x.png")
    image, mask = _load()
    assert np.array_equal(image[0], pixels[..., :3] / np.float32(255))
    np.testing.assert_allclose(mask[0], 1 - pixels[..., 3] / 255, atol=1e-7)


def test_palette_transparency_becomes_a_mask(folders: Folders) -> None:
    picture = Image.fromarray(np.array([[0, 1], [1, 0]], np.uint8), "L").convert("P")
    picture.save(folders.input / "x.png", transparency=0)
    _, mask = _load()
    assert mask[0].tolist() == [[1, 0], [0, 1]]


def test_grey_is_spread_over_three_channels(folders: Folders) -> None:
    pixels = _levels(4, 5)
    Image.fromarray(pixels).save(folders.input / "x.png")
    image, _ = _load()
    assert np.array_equal(image[0], np.stack([pixels] * 3, -1) / np.float32(255))


def test_sixteen_bit_grey_is_divided_by_255_and_clipped(folders: Folders) -> None:
    values = np.array([[0, 255, 25500, 65025, 65535]], np.uint16)
    Image.fromarray(values).save(folders.input / "x.png")
    image, _ = _load()
    assert np.round(image[0, 0, :, 0] * 255).tolist() == [0, 1, 100, 255, 255]


@pytest.mark.parametrize(
    ("orientation", "turn"),
    [
        (1, lambda a: a),
        (2, np.fliplr),
        (3, lambda a: np.rot90(a, 2)),
        (4, np.flipud),
        (5, lambda a: a.swapaxes(0, 1)),
        (6, lambda a: np.rot90(a, -1)),
        (7, lambda a: np.rot90(a, 2).swapaxes(0, 1)),
        (8, lambda a: np.rot90(a, 1)),
    ],
)
def test_exif_orientation_is_applied(folders: Folders, orientation: int, turn) -> None:  # type: ignore[no-untyped-def]
    pixels = _levels(4, 6, 3)
    picture = Image.fromarray(pixels)
    exif = picture.getexif()
    exif[0x0112] = orientation
    picture.save(folders.input / "x.png", exif=exif)
    image, _ = _load()
    assert np.array_equal(np.round(image[0] * 255).astype(np.uint8), turn(pixels))


def test_animation_becomes_a_batch(folders: Folders) -> None:
    frames = [Image.fromarray(np.full((4, 5, 3), level, np.uint8)) for level in (10, 90, 200)]
    frames[0].save(folders.input / "x.webp", save_all=True, append_images=frames[1:], lossless=True)
    image, mask = _load("x.webp")
    assert np.round(image[:, 0, 0, 0] * 255).tolist() == [10, 90, 200]
    assert mask.shape == (3, 64, 64)


def test_truncated_file_loads_as_far_as_it_goes(folders: Folders) -> None:
    pixels = _levels(200, 200, 3)
    whole = folders.input / "whole.png"
    Image.fromarray(pixels).save(whole)
    content = whole.read_bytes()
    (folders.input / "x.png").write_bytes(content[: len(content) // 2])
    image, _ = _load()
    assert image.shape == (1, 200, 200, 3)
    assert np.array_equal(image[0, :50], pixels[:50] / np.float32(255))
    assert not image[0, 150:].any()


def test_tolerance_ends_with_the_load(folders: Folders) -> None:
    test_truncated_file_loads_as_far_as_it_goes(folders)
    with pytest.raises(OSError, match="truncated"):
        Image.open(folders.input / "x.png").load()


@pytest.mark.parametrize("content", [b"", b"notes, not a picture"])
def test_what_is_no_picture_is_refused(folders: Folders, content: bytes) -> None:
    (folders.input / "notes.txt").write_bytes(content)
    with pytest.raises(UnidentifiedImageError, match="cannot identify image file"):
        _load("notes.txt")


def test_too_many_pixels_are_refused_before_decoding(folders: Folders) -> None:
    Image.new("RGB", (10, 10)).save(folders.input / "fits.png")
    Image.new("RGB", (10, 11)).save(folders.input / "x.png")
    frames = [Image.new("RGB", (8, 8), (level, 0, 0)) for level in (0, 100)]
    frames[0].save(folders.input / "x.webp", save_all=True, append_images=frames[1:])
    assert read_picture(folders.input / "fits.png", 100)[0].shape == (1, 10, 10, 3)
    with pytest.raises(TooManyPixels, match=r"110 pixels.* exceeds limit of 100 pixels"):
        read_picture(folders.input / "x.png", 100)
    with pytest.raises(TooManyPixels, match=r"128 pixels.* exceeds limit of 100 pixels"):
        read_picture(folders.input / "x.webp", 100)
    with pytest.raises(TooManyPixels, match=r"110 pixels"):
        read_channel(folders.input / "x.png", "red", 100)


def _chunk(content: bytes) -> bytes:
    length, checksum = struct.pack(">I", len(content) - 4), struct.pack(">I", zlib.crc32(content))
    return length + content + checksum


@pytest.mark.parametrize("name", ["LoadImage", "LoadImageMask"])
def test_bomb_is_refused_by_its_header(folders: Folders, name: str) -> None:
    (folders.input / "x.png").write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR" + struct.pack(">IIBBBBB", 100_000, 100_000, 1, 0, 0, 0, 0))
        + _chunk(b"IDAT" + zlib.compress(b""))
    )
    inputs = {"channel": "red"} if name == "LoadImageMask" else {}
    # Pillow's own limit, or ours where the process has lifted Pillow's.
    with pytest.raises((Image.DecompressionBombError, TooManyPixels)):
        run_node(name, image="x.png", **inputs)


@pytest.mark.parametrize(("channel", "index"), [("red", 0), ("green", 1), ("blue", 2)])
def test_colour_channel_as_mask(folders: Folders, channel: str, index: int) -> None:
    pixels = _levels(4, 5, 3)
    Image.fromarray(pixels).save(folders.input / "x.png")
    (mask,) = run_node("LoadImageMask", image="x.png", channel=channel)
    assert np.array_equal(mask, pixels[None, ..., index] / np.float32(255))


def test_alpha_channel_as_mask_is_inverted(folders: Folders) -> None:
    pixels = _levels(4, 5, 4)
    Image.fromarray(pixels).save(folders.input / "x.png")
    Image.fromarray(pixels[..., :3]).save(folders.input / "opaque.png")
    (mask,) = run_node("LoadImageMask", image="x.png", channel="alpha")
    (none,) = run_node("LoadImageMask", image="opaque.png", channel="alpha")
    np.testing.assert_allclose(mask[0], 1 - pixels[..., 3] / 255, atol=1e-7)
    assert none.shape == (1, 4, 5)
    assert not none.any()


def test_name_marks_choose_the_folder(folders: Folders) -> None:
    assert locate_file("a/x.png") == folders.input / "a/x.png"
    assert locate_file("x.png [input]") == folders.input / "x.png"
    assert locate_file("x.png [output]") == folders.output / "x.png"
    assert locate_file("a b/x.png [temp]") == folders.temp / "a b/x.png"
    pixels = _levels(3, 3, 3)
    Image.fromarray(pixels).save(folders.output / "x.png")
    image, _ = _load("x.png [output]")
    assert np.array_equal(image[0], pixels / np.float32(255))


def test_missing_files_fail_validation(folders: Folders) -> None:
    (folders.input / "here.png").touch()
    for name in ("LoadImage", "LoadImageMask", "LoadImageOutput"):
        node = NODE_CLASS_MAPPINGS[name]
        assert node.VALIDATE_INPUTS(image="here.png") is True  # type: ignore[attr-defined]
        for gone in ("gone.png", "x" * 5000, "nul\0.png", "gone.png [output]"):
            refused = node.VALIDATE_INPUTS(image=gone)  # type: ignore[attr-defined]
            assert refused == f"Invalid image file: {gone}"


def test_change_mark_is_the_contents_sha256(folders: Folders) -> None:
    (folders.input / "x.png").write_bytes(b"one")
    node = NODE_CLASS_MAPPINGS["LoadImage"]
    mark = node.IS_CHANGED(image="x.png")  # type: ignore[attr-defined]
    assert mark == hashlib.sha256(b"one").hexdigest()
    (folders.input / "x.png").write_bytes(b"two")
    assert node.IS_CHANGED(image="x.png") != mark  # type: ignore[attr-defined]


def test_choices_are_the_files_there(folders: Folders) -> None:
    for name in ("b.png", "a.webp", "n.txt", "v.mp4", "l.latent"):
        (folders.input / name).touch()
    (folders.input / "folder.png").mkdir()

    def choices(name: str, field: str) -> list[str]:
        kind, *options = NODE_CLASS_MAPPINGS[name].INPUT_TYPES()["required"][field]  # type: ignore[attr-defined]
        listed: list[str] = options[0]["options"] if kind == "COMBO" else kind
        return listed

    assert choices("LoadImage", "image") == ["a.webp", "b.png"]
    assert choices("LoadImageMask", "image") == ["a.webp", "b.png", "l.latent", "n.txt", "v.mp4"]
    assert choices("LoadVideo", "file") == ["v.mp4"]
    assert choices("LoadLatent", "latent") == ["l.latent"]
