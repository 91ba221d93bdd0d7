"""Animations, videos, latents, and the nodes that report a value."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from comfyhouse_engine.context import Folders
from comfyhouse_engine.models import UpscaleModel
from comfyhouse_engine.nodes.latent_files import UnreadableLatent
from comfyhouse_engine.nodes.video_file import UnreadableVideo
from tests.engine_nodes import Floats, make_folders, make_noise, make_steps, run_node, running


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return make_folders(tmp_path)


def _read_frames(path: Path) -> list[np.ndarray]:
    file = Image.open(path)
    frames = []
    for number in range(file.n_frames):  # type: ignore[attr-defined]
        file.seek(number)
        frames.append(np.asarray(file.convert("RGB")))
    return frames


def _save_webp(images: Floats, **inputs: Any) -> dict[str, Any]:
    plain = {"filename_prefix": "a/w", "fps": 6.0, "lossless": True, "quality": 80}
    result: dict[str, Any] = run_node(
        "SaveAnimatedWEBP", images=images, **{**plain, "method": "default", **inputs}
    )
    return result["ui"]  # type: ignore[no-any-return]


def test_animated_webp_is_lossless_and_keeps_time(folders: Folders) -> None:
    images = make_steps(3, 8, 8, 3)
    ui = _save_webp(images, prompt={"1": 2}, extra_pnginfo={"workflow": {"n": []}})
    entry = {"filename": "w_00001_.webp", "subfolder": "a", "type": "output"}
    assert ui == {"images": [entry], "animated": (True,)}
    path = folders.output / "a" / "w_00001_.webp"
    for frame, image in zip(_read_frames(path), images, strict=True):
        assert np.array_equal(frame, np.round(image * 255))
    file = Image.open(path)
    file.load()
    assert file.info["duration"] == 166
    assert file.getexif()[0x0110] == f"prompt:{json.dumps({'1': 2})}"
    assert file.getexif()[0x010F] == f"workflow:{json.dumps({'n': []})}"


def test_single_webp_is_not_called_animated(folders: Folders) -> None:
    assert _save_webp(make_steps(1, 8, 8, 3))["animated"] == (False,)


def test_lossy_webp_is_smaller(folders: Folders) -> None:
    images = make_steps(2, 64, 64, 3)
    sizes = []
    for lossless, method in [(True, "fastest"), (False, "slowest")]:
        ui = _save_webp(images, lossless=lossless, quality=10, method=method)
        sizes.append((folders.output / "a" / ui["images"][0]["filename"]).stat().st_size)
    assert sizes[1] < sizes[0] / 2


def test_animated_png(folders: Folders) -> None:
    images = make_steps(3, 8, 8, 3)
    result = run_node(
        "SaveAnimatedPNG",
        images=images,
        filename_prefix="p",
        fps=8.0,
        compress_level=4,
        prompt={"1": 2},
        extra_pnginfo={"workflow": {}},
    )
    assert result["ui"]["animated"] == (True,)
    path = folders.output / result["ui"]["images"][0]["filename"]
    for frame, image in zip(_read_frames(path), images, strict=True):
        assert np.array_equal(frame, np.round(image * 255))
    content = path.read_bytes()
    assert b'comfprompt\0{"1": 2}' in content
    assert b"comfworkflow\0{}" in content


def _make_scene() -> Floats:
    """Four flat frames, so that lossy coding keeps their colours."""
    frames = np.zeros((4, 48, 64, 3), np.float32)
    for number, colour in enumerate([(0.9, 0.1, 0.1), (0.1, 0.9, 0.1), (0.1, 0.1, 0.9), (1, 1, 1)]):
        frames[number] = colour
    return frames


def test_video_is_written_with_size_rate_and_frames(folders: Folders) -> None:
    (video,) = run_node("CreateVideo", images=_make_scene(), fps=8.0)
    inputs = {"filename_prefix": "video/v", "format": "auto", "codec": "auto"}
    result = run_node("SaveVideo", video=video, **inputs)
    entry = {"filename": "v_00001_.mp4", "subfolder": "video", "type": "output"}
    assert result == {"ui": {"images": [entry], "animated": (True,)}}
    reader = cv2.VideoCapture(str(folders.output / "video" / "v_00001_.mp4"))
    assert reader.get(cv2.CAP_PROP_FRAME_COUNT) == 4
    assert reader.get(cv2.CAP_PROP_FPS) == pytest.approx(8)
    assert reader.get(cv2.CAP_PROP_FRAME_WIDTH) == 64
    assert reader.get(cv2.CAP_PROP_FRAME_HEIGHT) == 48
    reader.release()


@pytest.mark.parametrize(("node", "suffix"), [("SaveVideo", "mp4"), ("SaveWEBM", "webm")])
def test_video_comes_back(folders: Folders, node: str, suffix: str) -> None:
    scene = _make_scene()
    if node == "SaveVideo":
        (video,) = run_node("CreateVideo", images=scene, fps=8.0)
        run_node(node, video=video, filename_prefix="v", format="mp4", codec="h264")
    else:
        run_node(node, images=scene, filename_prefix="v", codec="vp9", fps=8.0, crf=32.0)
    name = f"v_00001_.{suffix}"
    (folders.output / name).rename(folders.input / name)
    (video,) = run_node("LoadVideo", file=name)
    frames, sound, fps = run_node("GetVideoComponents", video=video)
    assert sound is None
    assert fps == pytest.approx(8)
    assert frames.shape == scene.shape
    np.testing.assert_allclose(frames, scene, atol=0.06)


def test_odd_sizes_can_be_written(folders: Folders) -> None:
    (video,) = run_node("CreateVideo", images=make_steps(2, 33, 47, 4), fps=8.0)
    inputs = {"filename_prefix": "v", "format": "auto", "codec": "auto"}
    run_node("SaveVideo", video=video, **inputs)
    assert (folders.output / "v_00001_.mp4").stat().st_size > 500


def test_what_is_no_video_is_refused(folders: Folders) -> None:
    (folders.input / "x.mp4").write_bytes(b"no video")
    with pytest.raises(UnreadableVideo, match="No video stream"):
        run_node("LoadVideo", file="x.mp4")


def test_latent_comes_back_with_its_pixels(folders: Folders) -> None:
    latent = {"samples": make_noise(2, 4, 3, 5), "pixels": make_noise(2, 24, 40, 3)}
    result = run_node(
        "SaveLatent", samples=latent, filename_prefix="latents/l", prompt={"1": 2}, extra_pnginfo={}
    )
    entry = {"filename": "l_00001_.latent", "subfolder": "latents", "type": "output"}
    assert result == {"ui": {"latents": [entry]}}
    (loaded,) = run_node("LoadLatent", latent="latents/l_00001_.latent [output]")
    assert set(loaded) == {"samples", "pixels"}
    for key, values in latent.items():
        assert np.array_equal(loaded[key], values)


def test_latent_file_is_safetensors(folders: Folders) -> None:
    samples = make_noise(1, 4, 2, 2)
    run_node("SaveLatent", samples={"samples": samples}, filename_prefix="l", prompt={"1": 2})
    content = (folders.output / "l_00001_.latent").read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    assert header["__metadata__"] == {"prompt": '{"1": 2}'}
    assert header["latent_format_version_0"]["shape"] == [0]
    start, end = header["latent_tensor"]["data_offsets"]
    assert header["latent_tensor"] | {"data_offsets": 0} == {
        "dtype": "F32",
        "shape": [1, 4, 2, 2],
        "data_offsets": 0,
    }
    assert content[8 + length + start : 8 + length + end] == samples.tobytes()


def test_old_latent_is_scaled(folders: Folders) -> None:
    samples = make_noise(1, 4, 2, 2)
    header = json.dumps(
        {"latent_tensor": {"dtype": "F32", "shape": [1, 4, 2, 2], "data_offsets": [0, 64]}}
    ).encode()
    content = len(header).to_bytes(8, "little") + header + samples.tobytes()
    (folders.input / "old.latent").write_bytes(content)
    (loaded,) = run_node("LoadLatent", latent="old.latent")
    np.testing.assert_allclose(loaded["samples"], samples / 0.18215, rtol=1e-5)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"123",
        b"\xff" * 16,
        (2).to_bytes(8, "little") + b"{}",
        (9).to_bytes(8, "little") + b"[1, 2, 3]",
    ],
)
def test_broken_latent_is_refused(folders: Folders, content: bytes) -> None:
    (folders.input / "x.latent").write_bytes(content)
    with pytest.raises(UnreadableLatent):
        run_node("LoadLatent", latent="x.latent")


def test_image_size_is_shown_as_progress_text(folders: Folders) -> None:
    with running(folders) as sent:
        size = run_node("GetImageSize", image=make_noise(2, 5, 7, 3), unique_id="2")
    assert size == (7, 5, 2)
    assert sent.frames == [("text", "width: 7, height: 5\n batch size: 2")]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("words", "words"),
        (128, "128"),
        (0.5, "0.5"),
        (True, "True"),
        (None, "None"),
        ([1, {"a": None}], '[1, {"a": null}]'),
        ({1}, "{1}"),
    ],
)
def test_preview_any(value: object, text: str) -> None:
    assert run_node("PreviewAny", source=value) == {"ui": {"text": (text,)}}


@pytest.mark.parametrize(("name", "factor"), [("sandbox-2x.pth", 2), ("x4-anime.pth", 4)])
def test_upscale_model_enlarges_sharply_and_reports_each_picture(
    folders: Folders, name: str, factor: int
) -> None:
    image = make_steps(2, 6, 8, 3)
    with running(folders) as sent:
        (large,) = run_node("ImageUpscaleWithModel", upscale_model=UpscaleModel(name), image=image)
    assert large.shape == (2, 6 * factor, 8 * factor, 3)
    picture = Image.fromarray(np.round(image[1] * 255).astype(np.uint8))
    expected = picture.resize((8 * factor, 6 * factor), Image.Resampling.LANCZOS)
    assert np.array_equal(np.round(large[1] * 255), np.asarray(expected))
    assert sent.frames == [("progress", 1, 2), ("progress", 2, 2)]


@pytest.mark.parametrize(
    ("name", "inputs", "expected"),
    [
        ("PrimitiveInt", {"value": 5}, 5),
        ("PrimitiveString", {"value": "a"}, "a"),
        ("PrimitiveBoolean", {"value": False}, False),
        ("StringConcatenate", {"string_a": "a", "string_b": "b", "delimiter": "-"}, "a-b"),
        ("StringSubstring", {"string": "abcdef", "start": 1, "end": -1}, "bcde"),
        ("StringLength", {"string": "ünï"}, 3),
        ("CaseConverter", {"string": "one two", "mode": "Title Case"}, "One Two"),
        ("CaseConverter", {"string": "one TWO", "mode": "Capitalize"}, "One two"),
        ("StringTrim", {"string": " a ", "mode": "Left"}, "a "),
        ("StringReplace", {"string": "aba", "find": "a", "replace": "c"}, "cbc"),
        ("StringContains", {"string": "Abc", "substring": "aB", "case_sensitive": True}, False),
        ("StringContains", {"string": "Abc", "substring": "aB", "case_sensitive": False}, True),
    ],
)
def test_values_and_texts(name: str, inputs: dict[str, object], expected: object) -> None:
    assert run_node(name, **inputs) == (expected,)


@pytest.mark.parametrize(
    ("mode", "case_sensitive", "expected"),
    [("Starts With", True, True), ("Ends With", True, False), ("Equal", False, False)],
)
def test_compare_texts(mode: str, case_sensitive: bool, expected: bool) -> None:
    inputs = {"string_a": "abc", "string_b": "ab", "mode": mode, "case_sensitive": case_sensitive}
    assert run_node("StringCompare", **inputs) == (expected,)
    upper = {**inputs, "string_b": "ABC", "mode": "Equal"}
    assert run_node("StringCompare", **upper) == (not case_sensitive,)
