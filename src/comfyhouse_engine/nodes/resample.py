"""Resampling with the semantics of torch's `interpolate` and Pillow's Lanczos.

All take float32 [batch, height, width, channels]. Pixel centres lie at half-integers and nothing
is smoothed before shrinking (no antialiasing), save for `area` and `lanczos`, which average by
nature. https://pytorch.org/docs/stable/generated/torch.nn.functional.interpolate.html
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from comfyhouse_engine.nodes.tensors import (
    Floats,
    bytes_from_floats,
    check_allocation,
    floats_from_bytes,
)


def scale_image(
    image: Floats, width: int, height: int, method: str, crop: str = "disabled"
) -> Floats:
    """Return `image` at `width` x `height`.

    `method` is nearest-exact, bilinear, area, bicubic or lanczos; `crop` "center" first cuts the
    longer direction so that the aspect ratio is kept. Raises KeyError for another method and
    RuntimeError for a size of zero or one that memory cannot hold.
    """
    if width < 1 or height < 1:
        raise RuntimeError(
            "Input and output sizes should be greater than 0, but got input "
            f"(H: {image.shape[1]}, W: {image.shape[2]}) output (H: {height}, W: {width})"
        )
    check_allocation(len(image), height, width, image.shape[-1])
    if crop == "center":
        image = _cut_to_aspect(image, width / height)
    resize = _METHODS[method]
    return np.stack([resize(picture, width, height) for picture in image])


def scale_mask(mask: Floats, width: int, height: int) -> Floats:
    """Return a mask [batch, height, width] at another size, bilinear."""
    return scale_image(mask[..., None], width, height, "bilinear")[..., 0]


def _cut_to_aspect(image: Floats, aspect: float) -> Floats:
    height, width = image.shape[1:3]
    present = width / height
    left = top = 0
    if present > aspect:
        left = round((width - width * (aspect / present)) / 2)
    elif present < aspect:
        top = round((height - height * (present / aspect)) / 2)
    return image[:, top : height - top, left : width - left]


def _resize_nearest(picture: Floats, width: int, height: int) -> Floats:
    rows = _nearest_index(picture.shape[0], height)
    columns = _nearest_index(picture.shape[1], width)
    return picture[rows][:, columns]


def _nearest_index(size: int, wanted: int) -> NDArray[np.intp]:
    # torch computes the source position in float32; so do we, to agree on ties.
    positions = (np.arange(wanted, dtype=np.float32) + np.float32(0.5)) * np.float32(size / wanted)
    index: NDArray[np.intp] = np.minimum(np.floor(positions).astype(np.intp), size - 1)
    return index


def _resize_area(picture: Floats, width: int, height: int) -> Floats:
    """Average whole source pixels: torch's adaptive average pooling, not cv2's INTER_AREA."""
    rows = _mean_along_first(picture.astype(np.float64), height)
    both = _mean_along_first(rows.swapaxes(0, 1), width).swapaxes(0, 1)
    return np.ascontiguousarray(both, dtype=np.float32)


def _mean_along_first(array: NDArray[np.float64], wanted: int) -> NDArray[np.float64]:
    size = array.shape[0]
    index = np.arange(wanted)
    start = index * size // wanted
    end = -(-(index + 1) * size // wanted)
    sums = np.concatenate([np.zeros_like(array[:1]), np.cumsum(array, axis=0)])
    counts = (end - start).reshape(-1, *[1] * (array.ndim - 1))
    mean: NDArray[np.float64] = (sums[end] - sums[start]) / counts
    return mean


def _resize_with_cv2(interpolation: int) -> Callable[[Floats, int, int], Floats]:
    def resize(picture: Floats, width: int, height: int) -> Floats:
        # cv2 neither takes strided views nor keeps a last axis of one.
        plain = np.ascontiguousarray(picture)
        resized = cv2.resize(plain, (width, height), interpolation=interpolation)
        return np.asarray(resized, np.float32).reshape(height, width, picture.shape[-1])

    return resize


def _resize_lanczos(picture: Floats, width: int, height: int) -> Floats:
    pixels = bytes_from_floats(picture)
    plain = pixels[..., 0] if pixels.shape[-1] == 1 else pixels
    resized = Image.fromarray(plain).resize((width, height), Image.Resampling.LANCZOS)
    return floats_from_bytes(np.asarray(resized)).reshape(height, width, picture.shape[-1])


_METHODS: dict[str, Callable[[Floats, int, int], Floats]] = {
    "nearest-exact": _resize_nearest,
    "bilinear": _resize_with_cv2(cv2.INTER_LINEAR),
    "area": _resize_area,
    "bicubic": _resize_with_cv2(cv2.INTER_CUBIC),
    "lanczos": _resize_lanczos,
}
