"""Colours, kernels and edges against definitions written out anew, or an ordinary library."""

import math
from itertools import product

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage import data

from comfyhouse_engine.nodes.edges import find_edges
from comfyhouse_engine.nodes.quantize import bayer_thresholds
from tests.engine_nodes import Floats, make_noise, make_steps, run_node


def test_empty_image_has_its_colour() -> None:
    (image,) = run_node("EmptyImage", width=5, height=3, batch_size=2, color=0x10FF80)
    assert image.shape == (2, 3, 5, 3)
    assert image.dtype == np.float32
    np.testing.assert_allclose(image[1, 2, 4], [0x10 / 255, 1, 0x80 / 255], atol=1e-7)


def test_empty_image_that_memory_cannot_hold() -> None:
    """Recording d4: a RuntimeError that names the bytes of one channel."""
    with pytest.raises(RuntimeError, match="you tried to allocate 4398046511104 bytes"):
        run_node("EmptyImage", width=16384, height=16384, batch_size=4096, color=0)


def test_invert() -> None:
    image = make_noise(2, 3, 4, 3)
    (inverted,) = run_node("ImageInvert", image=image)
    assert np.array_equal(inverted, 1 - image)


def _convolve_slowly(picture: Floats, radius: int, kernel: np.ndarray) -> np.ndarray:
    """Plain sum over a mirrored picture."""
    widths = ((radius, radius), (radius, radius), (0, 0))
    padded = np.pad(picture.astype(np.float64), widths, mode="reflect")
    height, width = picture.shape[:2]
    total = np.zeros(picture.shape)
    for row, column in product(range(2 * radius + 1), repeat=2):
        total += kernel[row, column] * padded[row : row + height, column : column + width]
    return total


def _gauss(radius: int, sigma: float) -> np.ndarray:
    steps = [-1 + index / radius for index in range(2 * radius + 1)]
    kernel = np.array([[math.exp(-(x * x + y * y) / (2 * sigma**2)) for x in steps] for y in steps])
    return kernel / kernel.sum()


@pytest.mark.parametrize(("radius", "sigma"), [(1, 1.0), (3, 1.0), (7, 0.3), (2, 10.0), (1, 0.1)])
@pytest.mark.parametrize("channels", [3, 4])
def test_blur_is_a_gaussian(radius: int, sigma: float, channels: int) -> None:
    image = make_noise(2, 12, 9, channels)
    (blurred,) = run_node("ImageBlur", image=image, blur_radius=radius, sigma=sigma)
    for number in range(2):
        expected = _convolve_slowly(image[number], radius, _gauss(radius, sigma))
        np.testing.assert_allclose(blurred[number], expected, atol=2e-6)


@pytest.mark.parametrize(
    ("radius", "sigma", "alpha"), [(1, 1.0, 1.0), (2, 0.5, 0.3), (4, 2.0, 5.0), (1, 1.0, 0.0)]
)
def test_sharpen_is_identity_plus_what_blur_removes(
    radius: int, sigma: float, alpha: float
) -> None:
    image = make_noise(1, 12, 9, 3)
    (sharp,) = run_node(
        "ImageSharpen", image=image, sharpen_radius=radius, sigma=sigma, alpha=alpha
    )
    blurred = _convolve_slowly(image[0], radius, _gauss(radius, sigma))
    expected = np.clip(image[0] + 10 * alpha * (image[0] - blurred), 0, 1)
    np.testing.assert_allclose(sharp[0], expected, atol=3e-5)


@pytest.mark.parametrize("node", ["ImageBlur", "ImageSharpen"])
def test_kernel_must_fit_the_picture(node: str) -> None:
    name = "blur_radius" if node == "ImageBlur" else "sharpen_radius"
    inputs = {name: 5, "sigma": 1.0} | ({"alpha": 1.0} if node == "ImageSharpen" else {})
    with pytest.raises(RuntimeError, match="Padding size should be less"):
        run_node(node, image=make_noise(1, 5, 20, 3), **inputs)
    (result,) = run_node(node, image=make_noise(1, 6, 20, 3), **inputs)
    assert result.shape == (1, 6, 20, 3)


def _blend_one(mode: str, a: float, b: float) -> float:
    if mode == "soft_light":
        if b <= 0.5:
            return a - (1 - 2 * b) * a * (1 - a)
        lifted = ((16 * a - 12) * a + 4) * a if a <= 0.25 else math.sqrt(a)
        return a + (2 * b - 1) * (lifted - a)
    overlay = 2 * a * b if a <= 0.5 else 1 - 2 * (1 - a) * (1 - b)
    return {
        "normal": b,
        "multiply": a * b,
        "screen": a + b - a * b,
        "overlay": overlay,
        "difference": a - b,
    }[mode]


@pytest.mark.parametrize("factor", [0.0, 0.3, 1.0])
@pytest.mark.parametrize(
    "mode", ["normal", "multiply", "screen", "overlay", "soft_light", "difference"]
)
def test_blend_modes(mode: str, factor: float) -> None:
    below, above = make_steps(1, 6, 5, 3), make_steps(1, 6, 5, 3, seed=2)
    (blended,) = run_node(
        "ImageBlend", image1=below, image2=above, blend_factor=factor, blend_mode=mode
    )
    expected = [
        min(1, max(0, a * (1 - factor) + _blend_one(mode, a, b) * factor))
        for a, b in zip(below.ravel().tolist(), above.ravel().tolist(), strict=True)
    ]
    np.testing.assert_allclose(blended.ravel(), expected, atol=1e-6)


def test_blend_brings_the_second_to_the_first() -> None:
    below, above = make_noise(1, 8, 8, 3), make_noise(1, 4, 6, 4)
    (blended,) = run_node(
        "ImageBlend", image1=below, image2=above, blend_factor=1.0, blend_mode="normal"
    )
    (scaled,) = run_node(
        "ImageScale",
        image=above[..., :3],
        upscale_method="bicubic",
        width=8,
        height=8,
        crop="center",
    )
    np.testing.assert_allclose(blended, np.clip(scaled, 0, 1), atol=1e-6)


@pytest.mark.parametrize("dither", ["none", "floyd-steinberg"])
def test_quantize_is_pillows(dither: str) -> None:
    image = make_steps(2, 16, 16, 3)
    (reduced,) = run_node("ImageQuantize", image=image, colors=8, dither=dither)
    for number in range(2):
        picture = Image.fromarray(np.round(image[number] * 255).astype(np.uint8))
        palette = picture.quantize(colors=8)
        method = Image.Dither.NONE if dither == "none" else Image.Dither.FLOYDSTEINBERG
        expected = picture.quantize(colors=8, palette=palette, dither=method).convert("RGB")
        assert np.array_equal(np.round(reduced[number] * 255), np.asarray(expected))


@pytest.mark.parametrize("side", [2, 4, 8, 16])
def test_quantize_with_ordered_dither(side: int) -> None:
    image = make_steps(1, 18, 17, 3)
    (reduced,) = run_node("ImageQuantize", image=image, colors=5, dither=f"bayer-{side}")
    colours = {tuple(pixel) for pixel in np.round(reduced[0] * 255).reshape(-1, 3).tolist()}
    palette = Image.fromarray(np.round(image[0] * 255).astype(np.uint8)).quantize(colors=5)
    assert colours <= {tuple(c) for c in np.array(palette.getpalette()).reshape(-1, 3).tolist()}
    (plain,) = run_node("ImageQuantize", image=image, colors=5, dither="none")
    assert not np.array_equal(plain, reduced)


def test_bayer_matrix() -> None:
    """The index matrices of the literature, centred on 0."""
    four = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]])
    assert np.array_equal(bayer_thresholds(4), (four + 0.5) / 16 - 0.5)
    sixteen = np.sort(((bayer_thresholds(16) + 0.5) * 256 - 0.5).ravel())
    assert np.array_equal(sixteen, np.arange(256))


def _find_edges_slowly(picture: np.ndarray, low: float, high: float) -> np.ndarray:
    grey = picture.astype(np.float64) @ [0.299, 0.587, 0.114]
    line = np.exp(-(np.arange(-2, 3) ** 2) / 2)
    kernel = np.outer(line, line) / line.sum() ** 2
    soft = np.pad(
        _convolve_slowly(grey[..., None].astype(np.float32), 2, kernel)[..., 0], 1, "edge"
    )
    height, width = grey.shape
    length, angle = np.zeros((height + 2, width + 2)), np.zeros((height, width))
    for y, x in product(range(height), range(width)):
        near = soft[y : y + 3, x : x + 3]
        across = (near[:, 2] - near[:, 0]) @ [1, 2, 1]
        down = (near[2] - near[0]) @ [1, 2, 1]
        length[y + 1, x + 1] = math.sqrt(across**2 + down**2 + 1e-6)
        angle[y, x] = round(math.degrees(math.atan2(down, across)) / 45)
    steps = [(0, 1), (1, 1), (1, 0), (1, -1)]
    thin = np.zeros((height, width))
    for y, x in product(range(height), range(width)):
        dy, dx = steps[int(angle[y, x]) % 4]
        here = length[y + 1, x + 1]
        if here > length[y + 1 + dy, x + 1 + dx] and here > length[y + 1 - dy, x + 1 - dx]:
            thin[y, x] = here
    edges, waiting = np.zeros((height, width)), [tuple(p) for p in np.argwhere(thin > high)]
    while waiting:
        y, x = waiting.pop()
        if 0 <= y < height and 0 <= x < width and thin[y, x] > low and not edges[y, x]:
            edges[y, x] = 1
            waiting += [(y + dy, x + dx) for dy, dx in product((-1, 0, 1), repeat=2)]
    return edges


@pytest.mark.parametrize(("low", "high"), [(0.2, 0.6), (0.4, 0.8), (0.05, 0.99), (0.1, 0.1)])
def test_canny_by_definition_on_a_photo(low: float, high: float) -> None:
    picture = data.astronaut()[60:130, 180:260].astype(np.float32) / 255
    (edges,) = run_node("Canny", image=picture[None], low_threshold=low, high_threshold=high)
    assert edges.shape == (1, 70, 80, 3)
    assert set(np.unique(edges)) == {0.0, 1.0}
    expected = _find_edges_slowly(picture, low, high)
    # float32 against float64 may decide a tie differently.
    assert (edges[0, ..., 0] != expected).mean() < 0.002


def test_canny_agrees_with_opencv_where_the_case_is_clear() -> None:
    picture = np.zeros((60, 80, 3), np.float32)
    cv2.rectangle(picture, (20, 15), (60, 45), (1, 1, 1), -1)
    ours = find_edges(picture, 0.4, 0.8)
    soft = cv2.GaussianBlur((picture[..., 0] * 255).astype(np.uint8), (5, 5), 1)
    theirs = cv2.Canny(soft, 0.4 * 255, 0.8 * 255, L2gradient=True) > 0
    near = cv2.dilate(theirs.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    assert ours.sum() > 100
    assert near[ours > 0].all()


def test_canny_refuses_thresholds_in_the_wrong_order_and_alpha() -> None:
    with pytest.raises(ValueError, match="low_threshold should be smaller"):
        run_node("Canny", image=make_noise(1, 9, 9, 3), low_threshold=0.8, high_threshold=0.4)
    with pytest.raises(ValueError, match="3 channels, not 4"):
        run_node("Canny", image=make_noise(1, 9, 9, 4), low_threshold=0.2, high_threshold=0.4)


def _window(image: np.ndarray, size: int, pick: str) -> np.ndarray:
    before, after = size // 2, size - size // 2 - 1
    fill = -np.inf if pick == "max" else np.inf
    padded = np.pad(image, ((before, after), (before, after), (0, 0)), constant_values=fill)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), (0, 1))
    result: np.ndarray = getattr(windows, pick)(axis=(-1, -2))
    return result


@pytest.mark.parametrize("size", [3, 4, 7])
def test_morphology(size: int) -> None:
    image = make_noise(1, 12, 10, 3)

    def run(operation: str) -> np.ndarray:
        (result,) = run_node("Morphology", image=image, operation=operation, kernel_size=size)
        picture: np.ndarray = result[0]
        return picture

    eroded, dilated = _window(image[0], size, "min"), _window(image[0], size, "max")
    opened, closed = _window(eroded, size, "max"), _window(dilated, size, "min")
    np.testing.assert_array_equal(run("erode"), eroded)
    np.testing.assert_array_equal(run("dilate"), dilated)
    np.testing.assert_array_equal(run("open"), opened)
    np.testing.assert_array_equal(run("close"), closed)
    np.testing.assert_allclose(run("gradient"), dilated - eroded, atol=1e-7)
    np.testing.assert_allclose(run("top_hat"), image[0] - opened, atol=1e-7)
    np.testing.assert_allclose(run("bottom_hat"), closed - image[0], atol=1e-7)


def test_yuv_agrees_with_jpegs_and_comes_back() -> None:
    image = make_steps(1, 8, 8, 3)
    parts = run_node("ImageRGBToYUV", image=image)
    picture = Image.fromarray(np.round(image[0] * 255).astype(np.uint8)).convert("YCbCr")
    for part, plane in zip(parts, np.moveaxis(np.asarray(picture), -1, 0), strict=True):
        assert part.shape == image.shape
        assert np.array_equal(part[..., 0], part[..., 2])
        np.testing.assert_allclose(part[0, ..., 0] * 255, plane, atol=1.2)
    (back,) = run_node("ImageYUVToRGB", Y=parts[0], U=parts[1], V=parts[2])
    np.testing.assert_allclose(back, image, atol=2e-3)
