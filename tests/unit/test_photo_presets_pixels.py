"""The three presets over real photos, with the real networks."""

import importlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from skimage.metrics import structural_similarity

import comfyhouse_nodes
from comfyhouse_nodes.photo import evening, nets, nodes, portrait, product
from comfyhouse_nodes.photo.pictures import Floats, enlarge
from tests.photos import load_photo, make_product

measure_likeness: Any = structural_similarity
CLASSES = nodes.NODE_CLASS_MAPPINGS
SETTINGS: dict[str, dict[str, Any]] = {
    "ComfyhousePortraitPro": {"warmth": 50, "vignette": 50},
    "ComfyhouseProductGlow": {"background": "white", "colour": "#ffffff", "shadow": 50},
    "ComfyhouseCinematic": {"grain": 50, "vignette": 50, "bars": "2.39:1"},
}
needs_weights = pytest.mark.skipif(bool(nets.list_missing()), reason="the weights are not here")


def run(
    name: str, photo: Floats, strength: int, classes: Any = CLASSES, **changed: Any
) -> tuple[Floats, Any]:
    node: Any = classes[name]()
    inputs = {**SETTINGS[name], **changed}
    image, report = getattr(node, node.FUNCTION)(
        image=photo[np.newaxis], strength=strength, **inputs
    )
    return image[0], json.loads(report)


@pytest.fixture(scope="module")
def face() -> Floats:
    return np.ascontiguousarray(load_photo("astronaut")[:280, 90:370])


@pytest.mark.parametrize("name", CLASSES)
def test_strength_0_is_the_same_pixels(name: str) -> None:
    photo, _ = make_product(120, 100)

    assert (run(name, photo, 0)[0] == photo).all()


@needs_weights
def test_skin_is_evened_and_pores_stay(face: Floats) -> None:
    found = portrait.look(face)
    assert len(found.faces) == 1
    patch = evening.make_patch(face, found.faces[0], 0.6)
    skin = np.zeros(face.shape[:2], np.float32)
    rows, columns = patch.rows, patch.columns
    skin[rows, columns] = enlarge(patch.skin, columns.stop - columns.start, rows.stop - rows.start)

    evened, report = run("ComfyhousePortraitPro", face, 60, warmth=0, vignette=0)
    width = found.faces[0].width
    high, middle = (
        after / before
        for before, after in zip(
            evening.measure_bands(face, skin, width),
            evening.measure_bands(evened, skin, width),
            strict=True,
        )
    )

    assert report == {"comfyhouse_report": 1, "notes": [], "facts": {"faces": 1}}
    assert 0.40 <= middle <= 0.75
    assert high >= 0.85
    away = skin < 0.01
    _, alike = measure_likeness(
        face, run("ComfyhousePortraitPro", face, 60)[0], channel_axis=2, data_range=1, full=True
    )
    assert alike[away].mean() >= 0.985
    lips, eye = found.faces[0].points[13], found.faces[0].points[159]
    assert all(skin[int(y), int(x)] == 0 for x, y in (lips, eye))


@needs_weights
def test_more_strength_evens_more(face: Floats) -> None:
    found = portrait.look(face)

    changes = [
        np.abs(portrait.improve(face, found, strength, 0, 0) - face).mean()
        for strength in (20, 50, 80)
    ]

    assert 0 < changes[0] < changes[1] < changes[2]


@needs_weights
def test_without_a_face_only_light_changes_and_it_is_said() -> None:
    photo = load_photo("coffee")[::2, ::2].copy()

    changed, report = run("ComfyhousePortraitPro", photo, 60)

    assert report["notes"] == ["no_face"]
    assert 0 < np.abs(changed - photo).mean() < 0.05


def test_without_weights_portrait_pro_says_so_and_product_glow_fails_clearly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack, bare = Path(comfyhouse_nodes.__file__).parent, tmp_path / "pack_without_weights"
    shutil.copytree(pack, bare, ignore=shutil.ignore_patterns("weights", "__pycache__"))
    monkeypatch.syspath_prepend(str(tmp_path))
    classes = importlib.import_module("pack_without_weights.photo.nodes").NODE_CLASS_MAPPINGS
    photo, _ = make_product(120, 100)

    _, report = run("ComfyhousePortraitPro", photo, 60, classes)
    assert report["notes"] == ["no_face_finder"]
    with pytest.raises(Exception, match=r"u2netp\.onnx is missing"):
        run("ComfyhouseProductGlow", photo, 60, classes)


@needs_weights
def test_a_product_is_cut_out_cleanly_and_strength_is_how_far() -> None:
    photo, mask = make_product()
    subject = product.look(photo)
    assert subject.alpha is not None
    white = product.stand(photo, subject, 100, np.ones(3, np.float32), 0)
    clear = product.stand(photo, subject, 100, None, 0)

    half = product.stand(photo, subject, 50, np.ones(3, np.float32), 0)

    np.testing.assert_allclose(half[0, 0], (photo[0, 0] + 1) / 2, atol=1 / 255)
    inside, found = mask > 0.5, clear[..., 3] > 0.5
    assert (inside & found).sum() / (inside | found).sum() >= 0.90
    assert (white[(mask == 0) & (clear[..., 3] == 0)] == 1).all()
    assert (white[mask == 0] >= 250 / 255).mean() > 0.99
    assert (white[clear[..., 3] == 1] == photo[clear[..., 3] == 1]).all()


def test_a_photo_of_nothing_is_left_alone() -> None:
    photo = np.full((64, 64, 3), 0.5, np.float32)

    assert (product.stand(photo, product.Subject(None), 100, None, 50) == photo).all()


@pytest.mark.parametrize("text", ["red", "#12345", "12345678", "#gggggg"])
def test_a_colour_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"colour|hex"):
        nodes.read_colour(text)
