"""Enlarging: which model, which nodes, which sizes."""

import pytest

from comfyhoused.core.workflows.cost import count_upscale_units
from comfyhoused.core.workflows.delivered_size import find_size_errors
from comfyhoused.core.workflows.graph import Graph
from comfyhoused.core.workflows.model_book import ModelBook
from comfyhoused.core.workflows.parameters import InvalidParameters
from comfyhoused.core.workflows.policy import NodePolicy
from comfyhoused.core.workflows.upscale import (
    Upscaling,
    build_upscale,
    choose_upscaler,
    list_upscalers,
)
from comfyhoused.core.workflows.validation import check_graph
from tests.picture_catalogues import make_catalogue

BOOK = ModelBook.load()
CATALOGUE = make_catalogue()
TWICE, FOURFOLD = "RealESRGAN_x2plus.pth", "4x-UltraSharp.pth"


def build(factor: int, model: str, width: int = 100, height: int = 50) -> Graph:
    wanted = Upscaling("file_small", width, height, factor, model)
    graph = build_upscale(wanted, [CATALOGUE], BOOK).graph
    assert check_graph(graph, CATALOGUE, NodePolicy()).graph == graph
    return graph


@pytest.mark.parametrize(
    ("factor", "offered", "chosen"),
    [
        (2, (FOURFOLD, TWICE), TWICE),
        (4, (TWICE, FOURFOLD), FOURFOLD),
        (2, (FOURFOLD,), FOURFOLD),
        (4, (TWICE,), TWICE),
        (4, (), ""),
    ],
)
def test_the_model_that_fits_best_is_chosen(
    factor: int, offered: tuple[str, ...], chosen: str
) -> None:
    assert choose_upscaler(None, factor, offered, BOOK) == chosen


def test_a_model_is_found_without_its_ending() -> None:
    offered = list_upscalers([CATALOGUE], BOOK)
    assert offered == [FOURFOLD, TWICE]  # what says no factor is not offered
    assert choose_upscaler("4x-UltraSharp", 2, offered, BOOK) == FOURFOLD


def test_each_way_ends_at_the_exact_size() -> None:
    assert [*build(4, FOURFOLD)] == ["image", "upscaler", "enlarged4", "output"]
    assert [*build(4, TWICE)] == ["image", "upscaler", "enlarged2", "enlarged4", "output"]
    shrunk = build(2, FOURFOLD)
    assert shrunk["fitted"]["inputs"]["image"] == ["enlarged4", 0]
    assert (shrunk["fitted"]["inputs"]["width"], shrunk["fitted"]["inputs"]["height"]) == (200, 100)
    resampled = build(2, "")
    assert resampled["fitted"]["inputs"]["image"] == ["image", 0]
    assert resampled["fitted"]["inputs"]["upscale_method"] == "lanczos"


@pytest.mark.parametrize(
    ("factor", "model", "side", "pointer"),
    [(3, "", 64, "/factor"), (4, "", 2049, "/image"), (2, "mystery.pth", 64, "/model")],
)
def test_what_cannot_be_enlarged_is_refused(
    factor: int, model: str, side: int, pointer: str
) -> None:
    with pytest.raises(InvalidParameters) as caught:
        build(factor, model, side, side)
    assert [error["pointer"] for error in caught.value.errors] == [pointer]


@pytest.mark.parametrize(
    ("size", "count", "output_format", "pointers"),
    [
        ((8192, 8192), 1, "png", []),
        ((8192, 8192), 2, "png", ["/image"]),
        ((16_384, 100), 1, "jpeg", []),
        ((16_384, 100), 1, "webp", ["/output_format"]),
        ((100, 65_536), 1, "jpeg", ["/output_format"]),
        ((100, 65_536), 1, "png", []),
    ],
)
def test_what_a_format_cannot_hold_is_refused(
    size: tuple[int, int], count: int, output_format: str, pointers: list[str]
) -> None:
    errors = find_size_errors(*size, count=count, output_format=output_format, pointer="/image")
    assert [error["pointer"] for error in errors] == pointers


@pytest.mark.parametrize(
    ("pixels", "units"), [(1, 1), (2048 * 2048, 1), (2048 * 2048 + 1, 2), (8192 * 8192, 16)]
)
def test_units_go_by_the_pixels_of_the_result(pixels: int, units: int) -> None:
    assert count_upscale_units(pixels) == units
