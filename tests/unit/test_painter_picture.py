"""What every parameter of the painter does to a picture."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from comfyhouse_engine.painter import paint, show_stage

Picture = NDArray[np.floating[Any]]

PLAIN: dict[str, Any] = {
    "text": "a lake in front of mountains at sunset",
    "negative": "",
    "width": 128,
    "height": 96,
    "seed": 11,
    "steps": 20,
    "cfg": 7.0,
    "sampler": "euler",
    "scheduler": "normal",
    "model": "sandbox-painter.safetensors",
    "loras": (),
}


def picture(**changes: Any) -> Picture:
    return paint(**{**PLAIN, **changes})


def difference(first: Picture, second: Picture) -> float:
    return float(np.abs(first - second).mean())


def saturation(image: Picture) -> float:
    return float((image.max(axis=2) - image.min(axis=2)).mean())


def test_a_picture_has_the_asked_size_and_range() -> None:
    image = picture()
    assert image.shape == (96, 128, 3)
    assert image.dtype == np.float32
    assert 0.0 <= image.min() < image.max() <= 1.0


def test_same_values_give_the_same_pixels() -> None:
    assert np.array_equal(picture(), picture())


@pytest.mark.parametrize(
    ("name", "value", "least"),
    [
        ("seed", 12, 0.03),
        ("text", "a red apple on a table", 0.05),
        ("steps", 2, 0.02),
        ("steps", 40, 0.0005),
        ("cfg", 2.0, 0.02),
        ("sampler", "dpmpp_2m", 0.002),
        ("sampler", "euler_ancestral", 0.002),
        ("scheduler", "karras", 0.002),
        ("model", "another-house.safetensors", 0.01),
        ("loras", (("warm-light.safetensors", 0.8),), 0.01),
        ("loras", (("somebody-elses.safetensors", 0.8),), 0.005),
    ],
)
def test_every_parameter_changes_the_picture(name: str, value: object, least: float) -> None:
    assert difference(picture(), picture(**{name: value})) > least


def test_a_lora_of_strength_zero_changes_nothing_and_more_strength_changes_more() -> None:
    plain = picture()
    steps = [
        difference(plain, picture(loras=(("blue-hour.safetensors", force),)))
        for force in (0.0, 0.3, 0.6, 1.0)
    ]
    assert steps[0] == 0.0
    assert steps == sorted(steps)
    assert len(set(steps)) == 4


def test_all_samplers_and_schedulers_can_be_told_apart() -> None:
    samplers = ["euler", "heun", "dpmpp_2m", "dpmpp_sde", "ddim", "lcm", "uni_pc"]
    images = [picture(sampler=name) for name in samplers]
    images += [picture(scheduler=name) for name in ("karras", "simple", "beta")]
    for index, image in enumerate(images):
        for other in images[index + 1 :]:
            assert difference(image, other) > 0.0015


def test_few_steps_leave_a_rough_picture() -> None:
    finished = picture(steps=60)
    distances = [difference(picture(steps=steps), finished) for steps in (1, 4, 8, 20, 60)]
    assert distances == sorted(distances, reverse=True)
    assert distances[0] > 3 * distances[3]


def test_cfg_raises_saturation() -> None:
    levels = [saturation(picture(cfg=cfg)) for cfg in (1.0, 4.0, 8.0, 16.0)]
    assert levels == sorted(levels)


def test_another_size_keeps_the_composition() -> None:
    small, large = picture(), picture(width=256, height=192)
    shrunk = large.reshape(96, 2, 128, 2, 3).mean(axis=(1, 3))
    assert difference(small, shrunk) < 0.5 * difference(small, picture(seed=12))


def test_named_colours_show() -> None:
    reds = picture(text="a red car on a road").reshape(-1, 3)
    blues = picture(text="a blue car on a road").reshape(-1, 3)
    red_dots = ((reds[:, 0] - reds[:, 2]) > 0.25).mean()
    assert red_dots > 0.02
    assert red_dots > 3 * ((blues[:, 0] - blues[:, 2]) > 0.25).mean()


def test_black_and_white_has_no_colour() -> None:
    image = picture(text="black and white photo of a lighthouse")
    assert saturation(image) < 0.01


def test_warm_is_redder_than_cold() -> None:
    warm = picture(text="a warm meadow, day").mean(axis=(0, 1))
    cold = picture(text="a cold meadow, day").mean(axis=(0, 1))
    assert warm[0] - warm[2] > cold[0] - cold[2] + 0.05


def test_night_is_darker_than_noon() -> None:
    noon = picture(text="a village at noon").mean()
    assert picture(text="a village at night").mean() < 0.6 * noon


@pytest.mark.parametrize("word", ["car", "clouds", "trees"])
def test_the_negative_prompt_removes_what_it_names(word: str) -> None:
    text = "a red car on a road, trees, clouds, noon"
    assert difference(picture(text=text), picture(text=text, negative=word)) > 0.002


def test_a_removed_car_leaves_no_red() -> None:
    image = picture(text="a red car on a road at noon", negative="car").reshape(-1, 3)
    assert ((image[:, 0] - image[:, 2]) > 0.3).mean() < 0.002


def test_unknown_words_become_a_composition_of_their_own() -> None:
    first, second = picture(text="xyzzy plugh"), picture(text="plover quux")
    assert difference(first, second) > 0.05
    assert first.std() > 0.05


def test_the_mark_is_in_the_lower_right_corner() -> None:
    image = picture(text="a cup on a table", width=512, height=512)
    corner = image[-26:-6, -150:-8].mean(axis=2)
    above = image[-70:-50, -150:-8].mean(axis=2)
    assert np.ptp(corner) > 0.4
    assert corner.std() > 2 * above.std()


def test_stages_come_closer_to_the_picture() -> None:
    image = picture()
    distances = [difference(show_stage(image, step / 6, 11), image) for step in range(1, 7)]
    assert distances == sorted(distances, reverse=True)
    assert distances[-1] == 0.0


@pytest.mark.parametrize("size", [(64, 64), (64, 2048), (2048, 64), (72, 520), (1032, 1288)])
def test_any_size_works(size: tuple[int, int]) -> None:
    width, height = size
    image = picture(text="a cat on a table, stormy night", width=width, height=height)
    assert image.shape == (height, width, 3)
    assert np.isfinite(image).all()


@settings(max_examples=25, deadline=None)
@given(text=st.text(max_size=60), negative=st.text(max_size=20), seed=st.integers(0, 2**64 - 1))
def test_no_text_is_an_error(text: str, negative: str, seed: int) -> None:
    image = picture(text=text, negative=negative, seed=seed, width=64, height=64)
    assert np.isfinite(image).all()


@pytest.mark.parametrize(
    "text",
    ["", "   ", "((((", "(cat:1.3)", "<lora:x:1>", "🐈‍⬛", "\udcff", "猫 と 海", "a" * 10_000,
     "red", "rain", "sunset", "clouds", "blue sky", "-1", "BREAK", "two " * 50],
)  # fmt: skip
def test_odd_prompts_are_painted(text: str) -> None:
    assert np.isfinite(picture(text=text, width=64, height=64)).all()
