"""Masks, batches, cuts and turns."""

from itertools import product

import numpy as np
import pytest

from tests.engine_nodes import make_noise, make_steps, run_node


def test_mask_to_image_and_back() -> None:
    mask = make_noise(2, 4, 5)
    (image,) = run_node("MaskToImage", mask=mask)
    assert image.shape == (2, 4, 5, 3)
    for channel in ("red", "green", "blue"):
        (back,) = run_node("ImageToMask", image=image, channel=channel)
        assert np.array_equal(back, mask)
    (flat,) = run_node("MaskToImage", mask=mask[0])
    assert flat.shape == (1, 4, 5, 3)


def test_channel_to_mask() -> None:
    image = make_noise(1, 4, 5, 4)
    for index, channel in enumerate(("red", "green", "blue", "alpha")):
        (mask,) = run_node("ImageToMask", image=image, channel=channel)
        assert np.array_equal(mask, image[..., index])
    with pytest.raises(IndexError):
        run_node("ImageToMask", image=image[..., :3], channel="alpha")


def test_colour_to_mask_is_exact() -> None:
    image = make_steps(1, 4, 5, 3)
    image[0, 1, 2] = np.array([0x12, 0x34, 0x56], np.float32) / 255
    image[0, 3, 3] = image[0, 1, 2] + np.array([0, 0, 1 / 255], np.float32)
    (mask,) = run_node("ImageColorToMask", image=image, color=0x123456)
    assert np.argwhere(mask).tolist() == [[0, 1, 2]]


def test_solid_and_inverted_mask() -> None:
    (mask,) = run_node("SolidMask", value=0.3, width=5, height=4)
    assert mask.shape == (1, 4, 5)
    (inverted,) = run_node("InvertMask", mask=mask)
    np.testing.assert_allclose(inverted, 0.7, atol=1e-6)


def test_threshold_is_strict() -> None:
    mask = np.array([[[0.4, 0.5, 0.6]]], np.float32)
    (hard,) = run_node("ThresholdMask", mask=mask, value=0.5)
    assert hard.tolist() == [[[0, 0, 1]]]


def test_crop_mask() -> None:
    mask = make_noise(2, 8, 9)
    (cut,) = run_node("CropMask", mask=mask, x=3, y=2, width=4, height=100)
    assert np.array_equal(cut, mask[:, 2:, 3:7])


def _grow_slowly(mask: np.ndarray, steps: int, tapered: bool) -> np.ndarray:
    """Reach by |dy| + |dx| (tapered) or by max(|dy|, |dx|)."""
    height, width = mask.shape
    result = np.zeros_like(mask)
    for y, x in product(range(height), range(width)):
        result[y, x] = max(
            mask[v, u]
            for v, u in product(range(height), range(width))
            if (abs(v - y) + abs(u - x) if tapered else max(abs(v - y), abs(u - x))) <= steps
        )
    return result


@pytest.mark.parametrize("tapered", [True, False])
@pytest.mark.parametrize("steps", [0, 1, 3, 16384])
def test_grow_and_shrink(tapered: bool, steps: int) -> None:
    mask = make_noise(2, 9, 7) ** 4
    (grown,) = run_node("GrowMask", mask=mask, expand=steps, tapered_corners=tapered)
    (shrunk,) = run_node("GrowMask", mask=mask, expand=-steps, tapered_corners=tapered)
    for number in range(2):
        assert np.array_equal(grown[number], _grow_slowly(mask[number], steps, tapered))
        assert np.array_equal(shrunk[number], -_grow_slowly(-mask[number], steps, tapered))


def test_feather_from_left_and_top() -> None:
    mask = np.ones((1, 6, 8), np.float32)
    (soft,) = run_node("FeatherMask", mask=mask, left=4, top=0, right=0, bottom=0)
    np.testing.assert_allclose(soft[0, 3], [0.25, 0.5, 0.75, 1, 1, 1, 1, 1])
    (soft,) = run_node("FeatherMask", mask=mask, left=0, top=2, right=0, bottom=0)
    np.testing.assert_allclose(soft[0, :, 3], [0.5, 1, 1, 1, 1, 1])
    assert (mask == 1).all()


def test_feather_from_right_and_bottom_slips_by_one_as_recorded_versions_do() -> None:
    mask = np.ones((1, 6, 8), np.float32)
    (soft,) = run_node("FeatherMask", mask=mask, left=0, top=0, right=4, bottom=0)
    np.testing.assert_allclose(soft[0, 3], [0.25, 1, 1, 1, 1, 1, 0.75, 0.5], atol=1e-6)
    (soft,) = run_node("FeatherMask", mask=mask, left=0, top=0, right=0, bottom=100)
    expected = [1 / 6, 1, 5 / 6, 4 / 6, 3 / 6, 2 / 6]
    np.testing.assert_allclose(soft[0, :, 3], expected, atol=1e-6)


def test_crop_is_clamped_to_the_picture() -> None:
    image = make_noise(2, 8, 9, 3)
    (cut,) = run_node("ImageCrop", image=image, width=4, height=3, x=2, y=1)
    assert np.array_equal(cut, image[:, 1:4, 2:6])
    (edge,) = run_node("ImageCrop", image=image, width=16, height=16, x=100, y=100)
    assert np.array_equal(edge, image[:, 7:, 8:])


@pytest.mark.parametrize(
    ("rotation", "quarters"),
    [("none", 0), ("90 degrees", 1), ("180 degrees", 2), ("270 degrees", 3)],
)
def test_rotation_is_clockwise(rotation: str, quarters: int) -> None:
    image = make_noise(1, 4, 6, 3)
    (turned,) = run_node("ImageRotate", image=image, rotation=rotation)
    expected = image[0]
    for _ in range(quarters):
        expected = expected[::-1].swapaxes(0, 1)
    assert np.array_equal(turned[0], expected)


def test_flips() -> None:
    image = make_noise(2, 4, 6, 3)
    (upside_down,) = run_node("ImageFlip", image=image, flip_method="x-axis: vertically")
    (mirrored,) = run_node("ImageFlip", image=image, flip_method="y-axis: horizontally")
    assert np.array_equal(upside_down, image[:, ::-1])
    assert np.array_equal(mirrored, image[:, :, ::-1])


def test_batches_join_at_the_first_ones_size() -> None:
    one, two = make_noise(1, 8, 8, 3), make_noise(2, 4, 8, 4, seed=2)
    (joined,) = run_node("ImageBatch", image1=one, image2=two)
    assert joined.shape == (3, 8, 8, 4)
    assert np.array_equal(joined[0, ..., :3], one[0])
    assert (joined[0, ..., 3] == 1).all()
    (scaled,) = run_node(
        "ImageScale", image=two, upscale_method="bilinear", width=8, height=8, crop="center"
    )
    assert np.array_equal(joined[1:], scaled)


def test_repeat_and_take_from_batch() -> None:
    image = make_noise(3, 2, 2, 3)
    (repeated,) = run_node("RepeatImageBatch", image=image, amount=2)
    assert np.array_equal(repeated, np.concatenate([image, image]))
    for first, length, expected in [(0, 1, [0]), (1, 2, [1, 2]), (2, 9, [2]), (50, 3, [2])]:
        (part,) = run_node("ImageFromBatch", image=image, batch_index=first, length=length)
        assert np.array_equal(part, image[expected])


def test_rebatch() -> None:
    images = [make_noise(3, 2, 2, 3), make_noise(2, 2, 2, 3, seed=2)]
    (batches,) = run_node("RebatchImages", images=images, batch_size=[2])
    assert [len(batch) for batch in batches] == [2, 2, 1]
    assert np.array_equal(np.concatenate(batches), np.concatenate(images))
