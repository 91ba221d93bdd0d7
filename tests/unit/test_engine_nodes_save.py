"""Saving: names, counters, text chunks, refusals, the socket."""

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from comfyhouse_engine.context import Folders
from comfyhouse_engine.nodes.save_path import plan_save
from tests.engine_nodes import make_folders, make_noise, make_steps, run_node, running


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return make_folders(tmp_path)


def _levels(image: np.ndarray) -> np.ndarray:
    return np.round(image * 255).astype(np.uint8)


@pytest.mark.parametrize("channels", [3, 4])
def test_saves_every_picture_of_a_batch_exactly(folders: Folders, channels: int) -> None:
    images = make_steps(3, 5, 7, channels)
    result = run_node("SaveImage", images=images, filename_prefix="a/b/pic")
    names = [f"pic_0000{number}_.png" for number in (1, 2, 3)]
    assert result == {
        "ui": {
            "images": [{"filename": n, "subfolder": "a/b", "type": "output"} for n in names],
        }
    }
    for name, image in zip(names, images, strict=True):
        saved = np.asarray(Image.open(folders.output / "a" / "b" / name))
        assert np.array_equal(saved, _levels(image))


def test_values_are_cut_off_not_rounded(folders: Folders) -> None:
    image = np.full((1, 1, 3, 3), [[-1.0], [0.999], [7.0]], np.float32)
    run_node("SaveImage", images=image, filename_prefix="x")
    saved = np.asarray(Image.open(folders.output / "x_00001_.png"))
    assert saved[0, :, 0].tolist() == [0, 254, 255]


def test_every_level_survives_save_and_load(folders: Folders) -> None:
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    Image.fromarray(np.stack([ramp] * 3, -1)).save(folders.input / "ramp.png")
    image, _ = run_node("LoadImage", image="ramp.png")
    run_node("SaveImage", images=image, filename_prefix="ramp")
    assert np.array_equal(np.asarray(Image.open(folders.output / "ramp_00001_.png"))[..., 0], ramp)


def test_text_chunks_hold_prompt_and_extra_entries(folders: Folders) -> None:
    prompt = {"1": {"class_type": "EmptyImage", "inputs": {"text": "ünïcode 图"}}}
    run_node(
        "SaveImage",
        images=make_noise(1, 4, 4, 3),
        filename_prefix="x",
        prompt=prompt,
        extra_pnginfo={"workflow": {"nodes": []}, "note": 5},
    )
    text = Image.open(folders.output / "x_00001_.png").text  # type: ignore[attr-defined]
    assert list(text) == ["prompt", "workflow", "note"]
    assert json.loads(text["prompt"]) == prompt
    assert json.loads(text["workflow"]) == {"nodes": []}


def test_no_text_chunks_without_a_prompt(folders: Folders) -> None:
    run_node("SaveImage", images=make_noise(1, 4, 4, 3), filename_prefix="x")
    assert Image.open(folders.output / "x_00001_.png").text == {}  # type: ignore[attr-defined]


def test_counter_goes_on_after_the_highest(folders: Folders) -> None:
    for name in ("x_00007_.png", "x_00003_.png", "x_y_.png", "other_00050_.png", "x_00099.png"):
        (folders.output / name).touch()
    assert plan_save("x", folders.output).counter == 8
    (folders.output / "x_00041_more.webp").touch()
    assert plan_save("x", folders.output).counter == 42
    assert plan_save("fresh", folders.output).counter == 1


def test_counter_is_per_folder_and_prefix(folders: Folders) -> None:
    for prefix, expected in [("a/x", 1), ("a/x", 2), ("x", 1), ("a/xx", 1), ("a/x", 3)]:
        result = run_node("SaveImage", images=make_noise(1, 2, 2, 3), filename_prefix=prefix)
        name = f"{prefix.rpartition('/')[2]}_{expected:05}_.png"
        assert result["ui"]["images"][0]["filename"] == name


def test_prefix_variables(folders: Folders) -> None:
    result = run_node(
        "SaveImage",
        images=make_noise(2, 4, 6, 3),
        filename_prefix="%year%/%width%x%height%-%month%%day%-%hour%%minute%%second%-%batch_num%",
    )
    first, second = result["ui"]["images"]
    assert re.fullmatch(r"6x4-\d{4}-\d{6}-0_00001_\.png", first["filename"])
    assert re.fullmatch(r"6x4-\d{4}-\d{6}-1_00002_\.png", second["filename"])
    assert re.fullmatch(r"20\d\d", first["subfolder"])


@pytest.mark.parametrize("prefix", ["../../evil", "../evil", "/etc/evil", "a/../../evil"])
def test_prefix_must_stay_inside(folders: Folders, prefix: str) -> None:
    with pytest.raises(Exception, match="outside the output folder is not allowed") as caught:
        run_node("SaveImage", images=make_noise(1, 2, 2, 3), filename_prefix=prefix)
    assert type(caught.value) is Exception
    lines = str(caught.value).split("\n")
    assert lines[0] == "**** ERROR: Saving image outside the output folder is not allowed."
    assert lines[1].startswith(" full_output_folder: /")
    assert lines[2] == f"         output_dir: {folders.output}"
    assert lines[3].startswith("         commonpath: /")
    assert not any(folders.output.parent.rglob("evil*"))


def test_prefix_may_wander_inside(folders: Folders) -> None:
    result = run_node("SaveImage", images=make_noise(1, 2, 2, 3), filename_prefix="a/../b/./c")
    assert result["ui"]["images"][0]["subfolder"] == "b"


def test_preview_goes_to_temp_under_a_name_of_its_own(folders: Folders) -> None:
    image = make_steps(2, 4, 4, 3)
    first = run_node("PreviewImage", images=image)["ui"]["images"]
    second = run_node("PreviewImage", images=image)["ui"]["images"]
    assert [entry["type"] for entry in first] == ["temp", "temp"]
    assert re.fullmatch(r"ComfyUI_temp_[a-z]{5}_00001_\.png", first[0]["filename"])
    assert first[0]["filename"] != second[0]["filename"]
    saved = np.asarray(Image.open(folders.temp / first[1]["filename"]))
    assert np.array_equal(saved, _levels(image[1]))
    assert list(folders.output.iterdir()) == []


def test_mask_preview_is_grey(folders: Folders) -> None:
    mask = make_steps(1, 3, 5)
    (entry,) = run_node("MaskPreview", mask=mask)["ui"]["images"]
    saved = np.asarray(Image.open(folders.temp / entry["filename"]))
    assert np.array_equal(saved, np.stack([_levels(mask[0])] * 3, -1))


def test_socket_gets_png_frames_between_progress(folders: Folders) -> None:
    images = make_steps(2, 4, 6, 3)
    with running(folders) as sent:
        result = run_node("SaveImageWebsocket", images=images)
    assert result == {}
    assert [frame[0] for frame in sent.frames] == ["progress", "image", "progress", "image"]
    assert sent.frames[0] == ("progress", 0, 2)
    assert sent.frames[2] == ("progress", 1, 2)
    for frame, image in zip(sent.frames[1::2], images, strict=True):
        assert frame[2] == 2
        picture = Image.open(io.BytesIO(frame[1]))
        assert picture.format == "PNG"
        assert np.array_equal(np.asarray(picture), _levels(image))
    assert list(folders.output.iterdir()) == []
