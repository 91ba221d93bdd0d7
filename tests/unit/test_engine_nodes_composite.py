"""Laying pictures and masks over each other, padding, stitching, alpha."""

from itertools import product

import numpy as np
import pytest
from PIL import Image

from tests.engine_nodes import make_noise, make_steps, run_node


def test_pad_for_outpaint_without_feathering() -> None:
    image = make_noise(2, 6, 8, 3)
    padded, mask = run_node(
        "ImagePadForOutpaint", image=image, left=8, top=16, right=0, bottom=24, feathering=0
    )
    assert padded.shape == (2, 46, 16, 3)
    assert mask.shape == (1, 46, 16)
    assert np.array_equal(padded[:, 16:22, 8:16], image)
    chosen = np.ones((46, 16), bool)
    chosen[16:22, 8:16] = False
    assert (padded[:, chosen] == 0.5).all()
    assert np.array_equal(mask[0], chosen.astype(np.float32))


@pytest.mark.parametrize("sides", [(8, 0, 8, 0), (8, 8, 8, 8), (0, 8, 0, 0), (0, 0, 0, 0)])
def test_feathering_falls_as_a_square_from_padded_sides(sides: tuple[int, int, int, int]) -> None:
    left, top, right, bottom = sides
    height, width, feathering = 20, 30, 6
    _, mask = run_node(
        "ImagePadForOutpaint",
        image=make_noise(1, height, width, 3),
        left=left,
        top=top,
        right=right,
        bottom=bottom,
        feathering=feathering,
    )
    inside = mask[0, top : top + height, left : left + width]
    for row, column in product(range(height), range(width)):
        distances = [
            row if top else 99,
            height - row if bottom else 99,
            column if left else 99,
            width - column if right else 99,
        ]
        expected = max(0, feathering - min(distances)) ** 2 / feathering**2
        assert inside[row, column] == pytest.approx(expected, abs=1e-6)


def test_no_feathering_on_a_picture_too_small_for_it() -> None:
    _, mask = run_node(
        "ImagePadForOutpaint",
        image=make_noise(1, 12, 30, 3),
        left=8,
        top=0,
        right=0,
        bottom=0,
        feathering=6,
    )
    assert not mask[0, :, 8:].any()


def test_composite_respects_mask_and_position() -> None:
    below, above, mask = (
        make_noise(1, 10, 12, 3),
        make_noise(1, 4, 5, 3, seed=2),
        make_noise(1, 4, 5),
    )
    (result,) = run_node(
        "ImageCompositeMasked",
        destination=below,
        source=above,
        x=3,
        y=2,
        resize_source=False,
        mask=mask,
    )
    expected = below.copy()
    share = mask[..., None]
    expected[:, 2:6, 3:8] = share * above + (1 - share) * below[:, 2:6, 3:8]
    np.testing.assert_allclose(result, expected, atol=1e-6)


def test_hard_mask_keeps_the_rest_to_the_bit() -> None:
    below, above = make_noise(1, 9, 9, 3), make_noise(1, 9, 9, 3, seed=2)
    mask = (make_noise(1, 9, 9) > 0.5).astype(np.float32)
    (result,) = run_node(
        "ImageCompositeMasked",
        destination=below,
        source=above,
        x=0,
        y=0,
        resize_source=False,
        mask=mask,
    )
    assert np.array_equal(result, np.where(mask[..., None] == 1, above, below))


@pytest.mark.parametrize(("x", "y"), [(8, 6), (11, 9), (12, 10), (500, 0), (0, 500)])
def test_what_sticks_out_is_cut(x: int, y: int) -> None:
    below, above = make_noise(1, 10, 12, 3), make_noise(1, 6, 7, 3, seed=2)
    (result,) = run_node(
        "ImageCompositeMasked", destination=below, source=above, x=x, y=y, resize_source=False
    )
    expected = below.copy()
    part = expected[:, y:, x:]
    part[:, :6, :7] = above[:, : part.shape[1], : part.shape[2]][:, :6, :7]
    assert np.array_equal(result, expected)


def test_pillow_pastes_the_same() -> None:
    below, above, mask = (
        make_steps(1, 10, 12, 3),
        make_steps(1, 5, 5, 3, seed=2),
        make_steps(1, 5, 5),
    )

    def picture(values: np.ndarray) -> Image.Image:
        return Image.fromarray(np.round(values * 255).astype(np.uint8))

    pasted = picture(below[0])
    pasted.paste(picture(above[0]), (4, 3), picture(mask[0]))
    (result,) = run_node(
        "ImageCompositeMasked",
        destination=below,
        source=above,
        x=4,
        y=3,
        resize_source=False,
        mask=mask,
    )
    np.testing.assert_allclose(result[0] * 255, np.asarray(pasted), atol=0.51)


def test_composite_scales_source_and_mask_when_asked() -> None:
    below, above, mask = make_noise(1, 8, 8, 3), make_noise(1, 4, 4, 3, seed=2), make_noise(1, 2, 2)
    (result,) = run_node(
        "ImageCompositeMasked",
        destination=below,
        source=above,
        x=0,
        y=0,
        resize_source=True,
        mask=mask,
    )
    (scaled,) = run_node(
        "ImageScale", image=above, upscale_method="bilinear", width=8, height=8, crop="disabled"
    )
    (share,) = run_node(
        "ImageScale",
        image=mask[..., None],
        upscale_method="bilinear",
        width=8,
        height=8,
        crop="disabled",
    )
    np.testing.assert_allclose(result, share * scaled + (1 - share) * below, atol=1e-6)


def test_destination_decides_batch_and_channels() -> None:
    """Recording d5: three sources on one destination give one picture."""
    one, three = make_noise(1, 6, 6, 3), make_noise(3, 4, 4, 4, seed=2)
    inputs = {"x": 0, "y": 0, "resize_source": False}
    (few,) = run_node("ImageCompositeMasked", destination=one, source=three, **inputs)
    (many,) = run_node("ImageCompositeMasked", destination=three, source=one, **inputs)
    assert few.shape == (1, 6, 6, 3)
    assert np.array_equal(few[0, :4, :4], three[0, ..., :3])
    assert many.shape == (3, 4, 4, 4)
    assert np.array_equal(many[..., :3], np.repeat(one[:, :4, :4], 3, axis=0))
    assert (many[..., 3] == 1).all()


_MASK_RULES = {
    "multiply": lambda a, b: a * b,
    "add": lambda a, b: min(1, a + b),
    "subtract": lambda a, b: max(0, a - b),
    "and": lambda a, b: float(a > 0.5 and b > 0.5),
    "or": lambda a, b: float(a > 0.5 or b > 0.5),
    "xor": lambda a, b: float((a > 0.5) != (b > 0.5)),
}


@pytest.mark.parametrize("operation", list(_MASK_RULES))
def test_mask_composite(operation: str) -> None:
    below, above = make_noise(1, 7, 8), make_noise(1, 4, 9, seed=2)
    (result,) = run_node(
        "MaskComposite", destination=below, source=above, x=3, y=2, operation=operation
    )
    expected = below[0].astype(np.float64)
    for row, column in product(range(2, 6), range(3, 8)):
        pair = float(below[0, row, column]), float(above[0, row - 2, column - 3])
        expected[row, column] = _MASK_RULES[operation](*pair)
    np.testing.assert_allclose(result[0], expected, atol=1e-6)


def test_alpha_parts_and_comes_together() -> None:
    image = make_noise(2, 5, 6, 4)
    colours, mask = run_node("SplitImageWithAlpha", image=image)
    assert np.array_equal(colours, image[..., :3])
    np.testing.assert_allclose(mask, 1 - image[..., 3], atol=1e-7)
    (joined,) = run_node("JoinImageWithAlpha", image=colours, alpha=mask)
    np.testing.assert_allclose(joined, image, atol=1e-6)


def test_opaque_picture_has_a_mask_of_zeros() -> None:
    _, mask = run_node("SplitImageWithAlpha", image=make_noise(1, 5, 6, 3))
    assert mask.shape == (1, 5, 6)
    assert not mask.any()


def test_alpha_of_another_size_and_count_is_fitted() -> None:
    """Recording d9: a 32 x 32 mask on a 64 x 64 picture is no error."""
    (joined,) = run_node(
        "JoinImageWithAlpha", image=make_noise(3, 64, 64, 3), alpha=np.ones((2, 32, 32), np.float32)
    )
    assert joined.shape == (2, 64, 64, 4)
    assert not joined[..., 3].any()


def _composite_over_with_pillow(source: np.ndarray, below: np.ndarray) -> np.ndarray:
    pictures = [Image.fromarray(np.round(a * 255).astype(np.uint8)) for a in (below, source)]
    return np.asarray(Image.alpha_composite(*pictures))


def test_porter_duff_over_is_pillows() -> None:
    source, below = make_steps(1, 8, 8, 4), make_steps(1, 8, 8, 4, seed=2)
    colours, mask = run_node(
        "PorterDuffImageComposite",
        source=source[..., :3],
        source_alpha=1 - source[..., 3],
        destination=below[..., :3],
        destination_alpha=1 - below[..., 3],
        mode="SRC_OVER",
    )
    expected = _composite_over_with_pillow(source[0], below[0])
    np.testing.assert_allclose((1 - mask[0]) * 255, expected[..., 3], atol=1)
    seen = expected[..., 3] > 20
    np.testing.assert_allclose(colours[0][seen] * 255, expected[..., :3][seen], atol=2)


@pytest.mark.parametrize(
    ("mode", "where"),
    [
        ("CLEAR", ""),
        ("SRC", "s b"),
        ("DST", "d b"),
        ("SRC_OVER", "s d b"),
        ("DST_OVER", "s d b"),
        ("SRC_IN", "b"),
        ("DST_IN", "b"),
        ("SRC_OUT", "s"),
        ("DST_OUT", "d"),
        ("SRC_ATOP", "d b"),
        ("DST_ATOP", "s b"),
        ("XOR", "s d"),
        ("ADD", "s d b"),
        ("SCREEN", "s d b"),
        ("DARKEN", "s d b"),
        ("LIGHTEN", "s d b"),
        ("OVERLAY", "s d b"),
        ("MULTIPLY", "b"),
    ],
)
def test_porter_duff_modes_cover_what_they_should(mode: str, where: str) -> None:
    """Four pixels: nothing, source only, destination only, both."""
    opaque_source = np.array([[[0, 1, 0, 1]]], np.float32)
    opaque_below = np.array([[[0, 0, 1, 1]]], np.float32)
    colours, mask = run_node(
        "PorterDuffImageComposite",
        source=np.full((1, 1, 4, 3), 0.75, np.float32),
        source_alpha=1 - opaque_source,
        destination=np.full((1, 1, 4, 3), 0.5, np.float32),
        destination_alpha=1 - opaque_below,
        mode=mode,
    )
    covered = [float(key in where.split()) for key in ("none", "s", "d", "b")]
    assert (1 - mask[0, 0]).tolist() == covered
    both = {"DARKEN": 0.5, "MULTIPLY": 0.375, "SCREEN": 0.875, "ADD": 1.0, "OVERLAY": 0.75}
    if mode in both:
        np.testing.assert_allclose(colours[0, 0, 3], both[mode], atol=1e-6)
    elif covered[3]:
        winner = 0.75 if mode in {"SRC", "SRC_OVER", "SRC_IN", "SRC_ATOP", "LIGHTEN"} else 0.5
        np.testing.assert_allclose(colours[0, 0, 3], winner, atol=1e-6)


@pytest.mark.parametrize(
    ("direction", "first", "second"),
    [
        ("right", np.s_[:, :, :6], np.s_[:, :, 9:]),
        ("left", np.s_[:, :, -6:], np.s_[:, :, :3]),
    ],
)
def test_stitch_beside_with_a_gap(direction: str, first: tuple, second: tuple) -> None:  # type: ignore[type-arg]
    one, two = make_steps(1, 8, 6, 3), make_steps(1, 8, 3, 3, seed=2)
    (result,) = run_node(
        "ImageStitch",
        image1=one,
        direction=direction,
        match_image_size=True,
        spacing_width=3,
        spacing_color="red",
        image2=two,
    )
    # An odd gap is widened to an even one.
    assert result.shape == (1, 8, 6 + 4 + 3, 3)
    assert np.array_equal(result[first], one)
    gap = result[:, :, 6:10] if direction == "right" else result[:, :, 3:7]
    assert (gap == [1, 0, 0]).all()
    np.testing.assert_allclose(
        result[:, :, 10:] if direction == "right" else result[second], two, atol=1e-6
    )


def test_stitch_below_scales_to_the_same_width() -> None:
    one, two = make_steps(2, 8, 6, 3), make_steps(1, 4, 12, 4, seed=2)
    (result,) = run_node(
        "ImageStitch",
        image1=one,
        direction="down",
        match_image_size=True,
        spacing_width=0,
        spacing_color="white",
        image2=two,
    )
    assert result.shape == (2, 8 + 2, 6, 4)
    assert np.array_equal(result[:, :8, :, :3], one)
    assert (result[:, :8, :, 3] == 1).all()
    assert np.array_equal(result[0, 8:], result[1, 8:])


def test_stitch_without_matching_centres_on_black() -> None:
    one, two = make_steps(1, 9, 6, 3), make_steps(1, 4, 5, 3, seed=2)
    (result,) = run_node(
        "ImageStitch",
        image1=one,
        direction="right",
        match_image_size=False,
        spacing_width=0,
        spacing_color="white",
        image2=two,
    )
    assert result.shape == (1, 9, 11, 3)
    assert np.array_equal(result[:, 2:6, 6:], two)
    assert not result[:, :2, 6:].any()
    assert not result[:, 6:, 6:].any()


def test_stitch_with_nothing_changes_nothing() -> None:
    image = make_noise(1, 4, 4, 3)
    inputs = {"match_image_size": True, "spacing_width": 8, "spacing_color": "red"}
    (result,) = run_node("ImageStitch", image1=image, direction="up", **inputs)
    assert result is image


@pytest.mark.parametrize(("colour", "value"), [("white", 1.0), ("black", 0.0)])
def test_resize_and_pad(colour: str, value: float) -> None:
    image = make_noise(1, 10, 20, 3) * 0.5 + 0.25
    (result,) = run_node(
        "ResizeAndPadImage",
        image=image,
        target_width=16,
        target_height=16,
        padding_color=colour,
        interpolation="area",
    )
    assert result.shape == (1, 16, 16, 3)
    assert (result[:, :4] == value).all()
    assert (result[:, 12:] == value).all()
    assert ((result[:, 4:12] > 0.2) & (result[:, 4:12] < 0.8)).all()
