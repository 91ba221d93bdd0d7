"""Cinematic and what it is made of: the table, the grain, the light, the bars."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comfyhouse_nodes.photo import cinematic, film, light
from comfyhouse_nodes.photo.grain import make_grain, make_seed
from comfyhouse_nodes.photo.lut import SIDE, apply_table, make_table
from comfyhouse_nodes.photo.pictures import (
    STRIP_ROWS,
    Floats,
    enlarge,
    enlarge_rows,
    round_to_bytes,
)


def make_photo(height: int = 40, width: int = 50, seed: int = 1) -> Floats:
    levels = np.random.default_rng(seed).integers(0, 256, (height, width, 3))
    return levels.astype(np.float32) / np.float32(255)


def test_the_identity_table_changes_nothing() -> None:
    pixels = make_photo(200, 200)

    assert (
        np.abs(apply_table(make_table(lambda colours: colours), pixels) - pixels).max() <= 1 / 255
    )


@given(st.integers(0, 255))
def test_a_grey_stays_on_the_tables_diagonal(level: int) -> None:
    grey = np.full((1, 3), level / 255, np.float32)
    steps = np.arange(SIDE)
    diagonal = film.get_table()[steps * (SIDE * SIDE + SIDE + 1)]

    wanted = [np.interp(level / 255, steps / (SIDE - 1), diagonal[:, one]) for one in range(3)]

    np.testing.assert_allclose(apply_table(film.get_table(), grey)[0], wanted, atol=1e-5)


@given(st.tuples(*[st.floats(0, 1, width=32)] * 3))
def test_the_table_is_near_the_look_it_was_made_of(colour: tuple[float, float, float]) -> None:
    pixel = np.array([colour], np.float32)

    assert np.abs(apply_table(film.get_table(), pixel) - film.apply_look(pixel)).max() < 6 / 255


def test_the_look_is_a_cut_through_one_table_for_every_photo() -> None:
    # The same colour in two photos of one size becomes the same colour.
    one, other = make_photo(seed=1), make_photo(seed=2)
    other[20, 25] = one[20, 25]
    first, second = (cinematic.grade(photo, 60, 0, 50, "none") for photo in (one, other))

    assert (first[20, 25] == second[20, 25]).all()


def test_shadows_go_teal_and_lights_warm() -> None:
    dark, bright = apply_table(film.get_table(), np.array([[0.2] * 3, [0.7] * 3], np.float32))

    assert dark[2] > dark[0] + 0.02
    assert bright[0] > bright[2] + 0.02


@pytest.mark.parametrize("strength", [20, 60, 100])
def test_black_and_white_do_not_turn_round(strength: int) -> None:
    ramp = np.repeat(np.linspace(0, 1, 256, dtype=np.float32)[np.newaxis, :, np.newaxis], 3, axis=2)

    graded = cinematic.grade(ramp, strength, 0, 0, "none") @ np.full(3, 1 / 3)

    assert (np.diff(graded[0]) >= -1.01 / 255 / 3).all()


@given(st.integers(1, 99))
@settings(max_examples=8, deadline=None)
def test_more_strength_changes_more(strength: int) -> None:
    photo = make_photo()

    less, more = (
        np.abs(cinematic.grade(photo, one, 0, 50, "none") - photo).mean()
        for one in (strength, strength + 1)
    )

    assert 0 < less < more + 1e-4


def test_grain_is_the_photos_own_and_has_no_seams() -> None:
    seed = make_seed(make_photo())
    rows = slice(0, STRIP_ROWS), slice(STRIP_ROWS, 2 * STRIP_ROWS)
    first, second = (make_grain(seed, one, 64, 1.5) for one in rows)

    assert make_seed(make_photo()) == seed != make_seed(make_photo(seed=2))
    assert (make_grain(seed, rows[0], 64, 1.5) == first).all()
    assert not (first == second).all()
    # Neighbours across the seam resemble each other as much as neighbours elsewhere do.
    across = np.corrcoef(first[-1], second[0])[0, 1]
    within = np.corrcoef(first[-2], first[-1])[0, 1]
    assert abs(across - within) < 0.2


def test_grain_has_the_spread_it_says() -> None:
    for size in (0.0, 0.6, 1.5):
        assert abs(float(make_grain(7, slice(0, 256), 512, size).std()) - 1) < 0.2


@pytest.mark.parametrize(
    ("size", "bars", "tall"),
    [
        ((192, 108), "none", 0),
        ((192, 108), "2.39:1", 14),
        ((192, 108), "1.85:1", 2),
        ((300, 100), "2.39:1", 0),
        ((100, 150), "2.39:1", 0),
    ],
)
def test_bars_lie_on_wide_photos(size: tuple[int, int], bars: str, tall: int) -> None:
    photo = make_photo(size[1], size[0]) * np.float32(0.5) + np.float32(0.5)

    graded = cinematic.grade(photo, 60, 0, 0, bars)

    black = (graded == 0).all(axis=(1, 2))
    assert black.sum() == 2 * tall
    assert black[:tall].all()
    notes = cinematic.choose_bars(*size, bars)[1]
    assert (notes == ["no_bars_upright"]) == (size[0] < size[1])


def test_warm_light_is_as_light_as_before_and_leaves_white() -> None:
    pixels = np.array([[[0.5, 0.4, 0.3], [1, 1, 1]]], np.float32)

    warmed = light.warm(pixels, 1)

    assert warmed[0, 0, 0] > 0.5 > warmed[0, 0, 2]
    assert (warmed[0, 1] == 1).all()


def test_a_vignette_is_one_in_the_middle_and_never_below_its_amount() -> None:
    gain = light.make_vignette(60, 40, slice(0, 40), (0.5, 0.5), 0.3)

    assert gain[20, 30] == 1
    assert 0.7 <= gain.min() == gain[0, 0] < 1


@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 4), st.integers(0, 30))
@settings(max_examples=25, deadline=None)
def test_rows_alone_are_enlarged_like_the_whole(h: int, w: int, factor: int, start: int) -> None:
    small = np.random.default_rng(h * 61 + w).random((h, w), np.float32)
    rows = slice(min(start, h * factor - 1), h * factor)

    whole = enlarge(small, w * factor, h * factor)

    np.testing.assert_allclose(
        enlarge_rows(small, rows, w * factor, h * factor), whole[rows], atol=2e-3
    )


def test_rounded_values_survive_comfyuis_cutting_off() -> None:
    levels = np.arange(256, dtype=np.float32) / np.float32(255)

    cut = (round_to_bytes(levels) * np.float32(255)).astype(np.uint8)

    assert (cut == np.arange(256)).all()
