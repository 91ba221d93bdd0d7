"""Where a thing ends: edges by colour, holes, and whether the finding is to be trusted."""

import cv2
import numpy as np
import pytest

from comfyhouse_nodes.photo import cinematic, cutout, edges, holes
from comfyhouse_nodes.photo.pictures import Floats, dither_to_bytes, round_to_bytes


def make_ring(side: int = 200) -> Floats:
    """Return 1 on a ring, 0 in its hole and outside."""
    rows, columns = np.mgrid[:side, :side] - side / 2
    distance = np.hypot(rows, columns)
    return np.asarray((distance < 0.4 * side) & (distance > 0.2 * side), np.float32)


def make_pattern(side: int, colour: tuple[float, float, float], spread: float) -> Floats:
    noise = np.random.default_rng(4).normal(0, spread, (side, side, 1))
    return np.asarray(np.clip(np.array(colour) + noise, 0, 1), np.float32)


def paint(ring: Floats, spread: float) -> tuple[np.ndarray, np.ndarray]:
    ground = make_pattern(200, (0.6, 0.35, 0.2), spread)
    share = ring[..., np.newaxis]
    picture = round_to_bytes(np.asarray(ground * (1 - share) + 0.5 * share, np.float32))
    filled = cv2.floodFill(ring.copy(), None, (100, 100), (1,))[1]
    return np.asarray(picture * 255, np.uint8), np.asarray(filled > 0.5, np.uint8)


def test_a_ring_on_a_patterned_ground_is_seen_through() -> None:
    ring = make_ring()
    levels, cut = paint(ring, 0.08)

    found = holes.find_holes(levels, cut)

    assert found[100, 100] == 1
    assert found[ring == 1].mean() < 0.1


def test_on_a_plain_ground_nothing_is_taken_for_a_hole() -> None:
    levels, cut = paint(make_ring(), 0.004)

    assert not holes.find_holes(levels, cut).any()


def test_an_edge_is_where_the_colours_change_though_the_cut_is_off() -> None:
    rows, columns = np.mgrid[:200, :200] - 100
    wavy = 50 + 3 * np.sin(20 * np.arctan2(rows, columns))
    truth = np.asarray(np.hypot(rows, columns) < wavy, np.float32)
    smooth = np.asarray(np.hypot(rows, columns) < 50, np.float32)
    ground = make_pattern(200, (0.3, 0.5, 0.2), 0.06)
    share = truth[..., np.newaxis]
    thing = np.array([0.6, 0.35, 0.25], np.float32)
    picture = np.asarray(thing * share + ground * (1 - share), np.float32)

    alpha = edges.settle(picture, smooth, 3)

    assert np.abs(alpha - truth).sum() < 0.5 * np.abs(smooth - truth).sum()
    assert (alpha[np.hypot(rows, columns) < 40] == 1).all()
    assert (alpha[np.hypot(rows, columns) > 60] == 0).all()


def test_ground_that_looks_like_the_thing_in_places_leaves_no_flecks() -> None:
    rows, columns = np.mgrid[:200, :200] - 100
    truth = np.asarray(np.hypot(rows, columns) < 50, np.float32)
    ground = np.full((200, 200, 3), (0.66, 0.62, 0.58), np.float32)
    gaps = (rows % 16 < 5) & (columns % 16 < 5)
    thing = np.array([0.40, 0.24, 0.14], np.float32)
    ground[gaps] = thing * 1.1
    share = truth[..., np.newaxis]
    picture = np.asarray(thing * share + ground * (1 - share), np.float32)

    alpha = edges.settle(picture, truth, 3)

    assert alpha[(np.hypot(rows, columns) > 54) & gaps].max() < 0.05


def test_what_is_hardly_likely_is_not_trusted() -> None:
    sure, doubtful = np.zeros((40, 40), np.float32), np.zeros((40, 40), np.float32)
    sure[5:15, 5:15] = sure[25:35, 5:15] = 0.99
    sure[20, 20] = 0.99
    doubtful[5:30, 5:30] = 0.7

    assert cutout.measure_sureness(sure) == (pytest.approx(0.99), 2)
    assert cutout.measure_sureness(doubtful) == (pytest.approx(0.7), 1)
    assert cutout.measure_sureness(np.zeros((4, 4), np.float32)) == (0.0, 0)


@pytest.mark.parametrize(
    ("size", "bars", "aspect", "notes"),
    [
        ((1920, 1080), "2.39:1", 2.39, []),
        ((1500, 1000), "2.39:1", 2.39, []),
        ((1600, 1200), "2.39:1", 1.85, ["narrower_bars"]),
        ((1600, 1200), "1.85:1", 1.85, []),
        ((1000, 1000), "2.39:1", None, ["no_bars_upright"]),
        ((1000, 1500), "1.85:1", None, ["no_bars_upright"]),
        ((1000, 1500), "none", None, []),
    ],
)
def test_bars_never_hide_much_of_a_photo(
    size: tuple[int, int], bars: str, aspect: float | None, notes: list[str]
) -> None:
    assert cinematic.choose_bars(*size, bars) == (aspect, notes)


def test_a_soft_gradient_keeps_its_mean_and_loses_its_steps() -> None:
    ramp = np.linspace(0.50, 0.52, 400, dtype=np.float32)
    sky = np.repeat(np.repeat(ramp[np.newaxis, :, np.newaxis], 64, axis=0), 3, axis=2)

    dithered, hard = dither_to_bytes(sky, slice(0, 64)), round_to_bytes(sky)

    # Seen from afar, which is a mean over the eye's reach, the sky is as even as it was.
    seen, stepped, wanted = (
        cv2.blur(one, (33, 33))[16:48, 20:-20] for one in (dithered, hard, sky)
    )
    assert np.abs(seen - wanted).max() < 0.35 * np.abs(stepped - wanted).max()
    levels = np.arange(256, dtype=np.float32)[np.newaxis, :, np.newaxis] / np.float32(255)
    exact = np.repeat(levels, 3, axis=2)
    assert (dither_to_bytes(exact, slice(0, 1)) == round_to_bytes(exact)).all()
