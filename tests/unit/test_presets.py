"""The preset book: ours, an operator's, what may be set, and the graphs that come of it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfyhoused.creator.presets.book import PresetBook, PresetUnknown
from comfyhoused.creator.presets.graph import make_graph
from comfyhoused.creator.presets.parameters import (
    InvalidPresetParameters,
    check_parameters,
    make_parameters_digest,
)
from comfyhoused.creator.presets.report import Report, read_report
from comfyhoused.resources import UnfitHouse

BOOK = PresetBook.load()
NODES = Path(__file__).parents[2] / "src" / "comfyhouse_nodes" / "photo"
OURS = ["portrait-pro", "product-glow", "cinematic"]

MANIFEST = """
title = "Ultramarine"
version = "3"
summary = "Colder."
order = 2
image = { node = "1", field = "image" }
strength = { node = "2", field = "blend" }
"""
GRAPH = {
    "1": {"class_type": "LoadImage", "inputs": {"image": ""}, "_meta": {"title": "Photo"}},
    "2": {"class_type": "Blue", "inputs": {"image": ["1", 0], "blend": 1}},
    "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "x"}},
}


def write_preset(folder: Path, name: str, manifest: str = MANIFEST, graph: Any = GRAPH) -> None:
    home = folder / name
    home.mkdir()
    (home / "preset.toml").write_text(manifest)
    (home / "workflow.json").write_text(graph if isinstance(graph, str) else json.dumps(graph))


def test_ours_are_there_in_their_order() -> None:
    assert [preset.name for preset in BOOK.list()] == OURS
    assert all(preset.is_ours for preset in BOOK.list())


def test_an_unknown_name_is_not_found() -> None:
    assert BOOK.find("sepia") is None
    with pytest.raises(PresetUnknown):
        BOOK.get("sepia")


def test_an_operators_preset_is_added_and_may_replace_ours(tmp_path: Path) -> None:
    write_preset(tmp_path, "blue-hour")
    write_preset(tmp_path, "cinematic")

    book = PresetBook.load(tmp_path)

    names = [one.name for one in book.list()]
    assert names == ["portrait-pro", "product-glow", "blue-hour", "cinematic"]
    assert not book.get("cinematic").is_ours
    assert book.get("blue-hour").list_classes() == ["Blue", "LoadImage", "SaveImage"]
    graph = make_graph(book.get("blue-hour"), file_id="file_1234", strength=7, parameters={})
    assert graph["2"] == {"class_type": "Blue", "inputs": {"image": ["1", 0], "blend": 7}}


@pytest.mark.parametrize(
    ("name", "manifest", "graph", "said"),
    [
        ("Blue Hour", MANIFEST, GRAPH, "named with"),
        ("a", MANIFEST + "colour = 1", GRAPH, "colour"),
        ("a", "title = ", GRAPH, "cannot be read"),
        ("a", MANIFEST, "[1]", "API format"),
        ("a", MANIFEST, "{", "cannot be read"),
        ("a", MANIFEST.replace("blend", "mix"), GRAPH, "no input 'mix'"),
        (
            "a",
            MANIFEST + '[[samples]]\ntitle="A"\nbefore="../b.jpg"\nafter="../b.jpg"\nstrength=1',
            GRAPH,
            "b.jpg",
        ),
        (
            "a",
            MANIFEST
            + '[[parameters]]\nname="x"\ntitle="X"\ntype="integer"\ndefault=200\n'
            + 'target={node="2",field="blend"}',
            GRAPH,
            "default must be",
        ),
    ],
)
def test_a_broken_preset_keeps_the_house_from_starting(
    tmp_path: Path, name: str, manifest: str, graph: Any, said: str
) -> None:
    (tmp_path / "b.jpg").touch()
    write_preset(tmp_path, "fine")
    write_preset(tmp_path, name, manifest, graph)

    with pytest.raises(UnfitHouse, match=said) as caught:
        PresetBook.load(tmp_path)
    assert name in str(caught.value)
    assert "fine:" not in str(caught.value)


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UnfitHouse, match="not a folder"):
        PresetBook.load(tmp_path / "none")


@pytest.mark.parametrize("name", OURS)
def test_what_is_not_given_takes_its_default(name: str) -> None:
    preset = BOOK.get(name)

    assert check_parameters(preset, 0, {}) == preset.describe_defaults()


@pytest.mark.parametrize(
    ("name", "strength", "parameters", "pointer"),
    [
        ("portrait-pro", 101, {}, "/strength"),
        ("portrait-pro", -1, {}, "/strength"),
        ("portrait-pro", True, {}, "/strength"),
        ("portrait-pro", 50, {"warmth": 101}, "/parameters/warmth"),
        ("portrait-pro", 50, {"warmth": "50"}, "/parameters/warmth"),
        ("portrait-pro", 50, {"warmth": True}, "/parameters/warmth"),
        ("portrait-pro", 50, {"grain": 1}, "/parameters/grain"),
        ("product-glow", 50, {"background": "green"}, "/parameters/background"),
        ("product-glow", 50, {"background": ["white"]}, "/parameters/background"),
        ("product-glow", 50, {"colour": "red"}, "/parameters/colour"),
        ("product-glow", 50, {"colour": "#FFFFFF"}, "/parameters/colour"),
    ],
)
def test_what_cannot_be_set_is_refused_with_its_place(
    name: str, strength: int, parameters: dict[str, Any], pointer: str
) -> None:
    with pytest.raises(InvalidPresetParameters) as caught:
        check_parameters(BOOK.get(name), strength, parameters)
    assert [error["pointer"] for error in caught.value.errors] == [pointer]


def test_a_graph_is_made_anew_each_time_and_the_same_each_time() -> None:
    preset = BOOK.get("product-glow")
    arguments: dict[str, Any] = {"file_id": "file_abcd1234", "strength": 80}
    first = make_graph(preset, parameters={"shadow": 10}, **arguments)

    assert first == make_graph(preset, parameters={"shadow": 10}, **arguments)
    assert first["1"]["inputs"]["image"] == {"file_id": "file_abcd1234"}
    assert first["2"]["inputs"]["strength"] == 80
    assert first["2"]["inputs"]["shadow"] == 10
    first["2"]["inputs"]["shadow"] = 99
    assert make_graph(preset, parameters={}, **arguments)["2"]["inputs"]["shadow"] == 50


@given(st.permutations(["a", "b", "c"]), st.integers(0, 100))
def test_a_digest_knows_no_order(names: list[str], strength: int) -> None:
    values: dict[str, int | str] = {"a": 1, "b": "x", "c": 3}

    shuffled = {name: values[name] for name in names}

    digest = make_parameters_digest(strength, shuffled)
    assert digest == make_parameters_digest(strength, values)
    assert digest != make_parameters_digest(strength + 1, values)
    assert digest != make_parameters_digest(strength, {**values, "a": 2})


def test_a_report_is_found_among_the_texts() -> None:
    text = json.dumps({"comfyhouse_report": 1, "notes": ["no_face"], "facts": {"faces": 0}})

    report = read_report(["512 x 512", text])

    assert report == Report(("no_face",), {"faces": 0})
    assert report.sentences == ("No face was found, so only light and colour were changed.",)
    assert Report.from_row(report.describe()) == report


def test_every_note_that_our_nodes_give_has_words() -> None:
    text = "".join(one.read_text() for one in NODES.glob("*.py"))
    codes = re.findall(r'(?:(?<!\w)\[|notes\.append\()"(\w+_\w+)"', text)
    assert "no_bars_upright" in codes
    assert len(Report(tuple(codes)).sentences) == len(codes)


@given(st.text() | st.recursive(st.none() | st.booleans() | st.text(), st.lists).map(json.dumps))
def test_foreign_texts_say_nothing(text: str) -> None:
    assert read_report([text]) == Report()


@given(
    st.fixed_dictionaries(
        {
            "comfyhouse_report": st.just(1),
            "notes": st.none() | st.lists(st.none() | st.text()) | st.text(),
            "facts": st.none() | st.lists(st.text()) | st.dictionaries(st.text(), st.none()),
        }
    )
)
def test_a_malformed_report_is_read_as_far_as_it_goes(said: dict[str, Any]) -> None:
    report = read_report([json.dumps(said)])

    assert report.facts == {}
    assert len(report.sentences) <= len(report.notes)


def test_an_absent_row_is_an_empty_report() -> None:
    assert Report.from_row(None) == Report()
