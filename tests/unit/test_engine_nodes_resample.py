"""Resampling against the formulas of torch's interpolate, written out pixel by pixel."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from comfyhouse_engine.nodes.resample import scale_image, scale_mask
from tests.engine_nodes import Floats, make_noise, make_steps, run_node

SIZES = [(5, 7), (11, 13), (20, 4), (3, 3), (1, 1), (14, 10), (7, 5)]
Sample = Callable[[Floats, float, float], Floats]


def _pixel(picture: Floats, row: int, column: int) -> Floats:
    height, width = picture.shape[:2]
    return picture[min(max(row, 0), height - 1), min(max(column, 0), width - 1)]


def _bilinear(picture: Floats, y: float, x: float) -> Floats:
    y, x = max(y, 0.0), max(x, 0.0)
    top, left = math.floor(y), math.floor(x)
    v, u = y - top, x - left
    return (
        _pixel(picture, top, left) * (1 - v) * (1 - u)
        + _pixel(picture, top, left + 1) * (1 - v) * u
        + _pixel(picture, top + 1, left) * v * (1 - u)
        + _pixel(picture, top + 1, left + 1) * v * u
    )


def _cubic_weight(distance: float, a: float = -0.75) -> float:
    t = abs(distance)
    if t <= 1:
        return (a + 2) * t**3 - (a + 3) * t**2 + 1
    if t < 2:
        return a * t**3 - 5 * a * t**2 + 8 * a * t - 4 * a
    return 0.0


def _bicubic(picture: Floats, y: float, x: float) -> Floats:
    top, left = math.floor(y), math.floor(x)
    total = np.zeros(picture.shape[-1])
    for row in range(top - 1, top + 3):
        for column in range(left - 1, left + 3):
            weight = _cubic_weight(y - row) * _cubic_weight(x - column)
            total += weight * _pixel(picture, row, column)
    return total.astype(np.float32)


def _resample_slowly(picture: Floats, width: int, height: int, sample: Sample) -> Floats:
    rows, columns = picture.shape[0] / height, picture.shape[1] / width
    result = [
        [
            sample(picture, (row + 0.5) * rows - 0.5, (column + 0.5) * columns - 0.5)
            for column in range(width)
        ]
        for row in range(height)
    ]
    return np.array(result, np.float32)


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize(("method", "sample"), [("bilinear", _bilinear), ("bicubic", _bicubic)])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_interpolates_between_pixel_centres(
    method: str, sample: Sample, width: int, height: int, channels: int
) -> None:
    image = make_noise(2, 7, 9, channels)
    scaled = scale_image(image, width, height, method)
    assert scaled.shape == (2, height, width, channels)
    assert scaled.dtype == np.float32
    for number in range(2):
        expected = _resample_slowly(image[number], width, height, sample)
        np.testing.assert_allclose(scaled[number], expected, atol=3e-6)


def test_bilinear_gives_the_values_that_torch_documents() -> None:
    """The 2 x 2 example of torch.nn.Upsample(scale_factor=2, mode="bilinear")."""
    image = np.array([[1, 2], [3, 4]], np.float32)[None, :, :, None]
    expected = [
        [1, 1.25, 1.75, 2],
        [1.5, 1.75, 2.25, 2.5],
        [2.5, 2.75, 3.25, 3.5],
        [3, 3.25, 3.75, 4],
    ]
    np.testing.assert_allclose(scale_image(image, 4, 4, "bilinear")[0, :, :, 0], expected)


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_area_averages_whole_pixels(width: int, height: int) -> None:
    image = make_noise(1, 7, 9, 3)
    scaled = scale_image(image, width, height, "area")[0]
    for row in range(height):
        top, bottom = math.floor(row * 7 / height), math.ceil((row + 1) * 7 / height)
        for column in range(width):
            left, right = math.floor(column * 9 / width), math.ceil((column + 1) * 9 / width)
            mean = image[0, top:bottom, left:right].mean(axis=(0, 1), dtype=np.float64)
            np.testing.assert_allclose(scaled[row, column], mean, atol=1e-6)


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_nearest_exact_takes_the_pixel_under_the_centre(width: int, height: int) -> None:
    image = make_noise(1, 7, 9, 3)
    scaled = scale_image(image, width, height, "nearest-exact")[0]
    for row in range(height):
        for column in range(width):
            source = image[0, int((row + 0.5) * 7 / height), int((column + 0.5) * 9 / width)]
            assert np.array_equal(scaled[row, column], source)


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize(("channels", "mode"), [(3, "RGB"), (4, "RGBA")])
def test_lanczos_is_pillows(width: int, height: int, channels: int, mode: str) -> None:
    image = make_steps(1, 7, 9, channels)
    picture = Image.fromarray(np.round(image[0] * 255).astype(np.uint8))
    assert picture.mode == mode
    expected = np.asarray(picture.resize((width, height), Image.Resampling.LANCZOS))
    scaled = scale_image(image, width, height, "lanczos")[0]
    assert np.array_equal(np.round(scaled * 255).astype(np.uint8), expected)


@pytest.mark.parametrize("method", ["nearest-exact", "bilinear", "area", "bicubic", "lanczos"])
def test_same_size_changes_nothing(method: str) -> None:
    image = make_steps(2, 8, 6, 3)
    np.testing.assert_allclose(scale_image(image, 6, 8, method), image, atol=1e-6)


@pytest.mark.parametrize(
    ("width", "height", "cut"),
    [
        (4, 4, np.s_[:, 2:10]),
        (12, 2, np.s_[3:5, :]),
        (6, 4, np.s_[:, :]),
    ],
)
def test_centre_crop_keeps_the_aspect(width: int, height: int, cut: tuple[slice, slice]) -> None:
    image = make_noise(1, 8, 12, 3)
    expected = scale_image(image[:, cut[0], cut[1]], width, height, "bilinear")
    assert np.array_equal(scale_image(image, width, height, "bilinear", "center"), expected)


def test_mask_is_scaled_as_a_picture_is() -> None:
    mask = make_noise(3, 6, 5)
    expected = scale_image(np.repeat(mask[..., None], 3, -1), 9, 4, "bilinear")[..., 0]
    assert np.array_equal(scale_mask(mask, 9, 4), expected)


@pytest.mark.parametrize(("width", "height"), [(0, 5), (5, 0), (-1, 5)])
def test_refuses_an_empty_size(width: int, height: int) -> None:
    with pytest.raises(RuntimeError, match="should be greater than 0"):
        scale_image(make_noise(1, 4, 4, 3), width, height, "bilinear")


def test_refuses_what_memory_cannot_hold() -> None:
    with pytest.raises(RuntimeError, match="can't allocate memory"):
        scale_image(np.zeros((4096, 1, 1, 3), np.float32), 16384, 16384, "bilinear")


@pytest.mark.parametrize(
    ("name", "inputs", "size"),
    [
        ("ImageScale", {"width": 30, "height": 20, "crop": "disabled"}, (30, 20)),
        ("ImageScale", {"width": 0, "height": 15, "crop": "disabled"}, (20, 15)),
        ("ImageScale", {"width": 80, "height": 0, "crop": "center"}, (80, 60)),
        ("ImageScale", {"width": 0, "height": 0, "crop": "disabled"}, (40, 30)),
        ("ImageScaleBy", {"scale_by": 0.51}, (20, 15)),
        ("ImageScaleBy", {"scale_by": 2.0}, (80, 60)),
        ("ImageScaleToTotalPixels", {"megapixels": 0.05}, (264, 198)),
        ("ImageScaleToMaxDimension", {"largest_size": 100}, (100, 75)),
    ],
)
def test_scaling_nodes_choose_the_size(
    name: str, inputs: dict[str, object], size: tuple[int, int]
) -> None:
    image = make_noise(2, 30, 40, 3)
    (scaled,) = run_node(name, image=image, upscale_method="bilinear", **inputs)
    assert scaled.shape == (2, size[1], size[0], 3)
    np.testing.assert_allclose(scaled, scale_image(image, *size, "bilinear"), atol=1e-6)


def test_longest_side_of_tall_and_square_pictures() -> None:
    (tall,) = run_node(
        "ImageScaleToMaxDimension",
        image=make_noise(1, 40, 30, 3),
        upscale_method="area",
        largest_size=80,
    )
    (square,) = run_node(
        "ImageScaleToMaxDimension",
        image=make_noise(1, 9, 9, 3),
        upscale_method="area",
        largest_size=5,
    )
    assert (tall.shape, square.shape) == ((1, 80, 60, 3), (1, 5, 5, 3))


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [(64, 64, (1024, 1024)), (90, 160, (752, 1392)), (300, 100, (1568, 672))],
)
def test_flux_sizes(height: int, width: int, expected: tuple[int, int]) -> None:
    (scaled,) = run_node("FluxKontextImageScale", image=make_noise(1, height, width, 3))
    assert scaled.shape[1:3] == expected
