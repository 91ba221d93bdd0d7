"""Reading prompts."""

from pathlib import Path

import pytest

from comfyhouse_engine import painter
from comfyhouse_engine.painter.palette import NAMED
from comfyhouse_engine.painter.shapes import load_shapes
from comfyhouse_engine.painter.words import read_scene


def kinds(text: str, negative: str = "") -> list[str]:
    return [thing.kind for thing in read_scene(text, negative).things]


def test_things_are_found_in_any_form() -> None:
    assert kinds("Two CATS, a puppy & some wolves") == ["cat", "dog", "wolf"]
    assert kinds("a hot air balloon") == ["balloon"]
    assert kinds("(a lighthouse:1.4), [boat]") == ["lighthouse", "boat"]


def test_counts() -> None:
    counts = {
        thing.kind: thing.count for thing in read_scene("two cats and 3 dogs, a bird", "").things
    }
    assert counts == {"cat": 2, "dog": 3, "bird": 1}


def test_colours_go_to_the_next_noun_else_to_the_whole() -> None:
    scene = read_scene("a red house under a pink sky, teal", "")
    assert scene.colours["house"] == NAMED["red"]
    assert scene.colours["sky"] == NAMED["pink"]
    assert scene.tints == (NAMED["teal"],)


def test_the_negative_prompt_bans_kinds() -> None:
    scene = read_scene("a cat and a dog in the rain at night", "cats, rain")
    assert [thing.kind for thing in scene.things] == ["dog"]
    assert "rain" not in scene.weather
    assert scene.hours == ("night",)


@pytest.mark.parametrize(
    ("text", "style"),
    [("a watercolor of a cat", "watercolour"), ("black & white photo", "bw"),
     ("an 8-bit castle", "pixel"), ("oil painting of a ship", "oil")],
)  # fmt: skip
def test_styles(text: str, style: str) -> None:
    assert style in read_scene(text, "").styles


def test_word_order_counts_for_the_fallback() -> None:
    assert read_scene("foo bar", "").code != read_scene("bar foo", "").code


def test_every_shape_can_be_asked_for() -> None:
    text = (Path(painter.__file__).parent / "words.txt").read_text(encoding="utf-8")
    named = {
        line.split(":")[0].split()[1] for line in text.splitlines() if line.startswith("thing")
    }
    assert set(load_shapes()) <= named


@pytest.mark.parametrize(
    "text",
    ["mountains", "the ocean", "forest", "desert dunes", "city skyline", "a house", "the moon",
     "sunrise", "sunset", "snow", "rain", "fog", "flowers in a meadow", "a tree", "a boat",
     "a cat", "a dog", "a bird", "a woman", "portrait", "coffee cup", "mug", "bottle", "vase",
     "fruit", "apple", "car", "road", "bridge", "lighthouse", "rocket", "planet", "space",
     "abstract poster"],
)  # fmt: skip
def test_the_promised_subjects_are_known(text: str) -> None:
    scene = read_scene(text, "")
    assert scene.places or scene.things or scene.hours or scene.weather or scene.styles


def test_hyphenated_words_are_read_one_by_one() -> None:
    scene = read_scene("a neon-lit street, 8-bit", "")
    assert scene.styles == {"neon", "pixel"}
