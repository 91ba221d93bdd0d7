"""What the console makes of schemas, forms and numbers, without a house."""

import json
import shlex
from datetime import UTC, date, datetime

import pytest

from comfyhoused.api.console.code_samples import Call, write_samples
from comfyhoused.api.console.controls import Control, read_values
from comfyhoused.api.console.schema_controls import list_controls
from comfyhoused.api.console.usage_chart import make_chart, round_up
from comfyhoused.api.template_inputs import get_template, make_input_schema
from comfyhoused.core.workflows.templates import TEMPLATES
from comfyhoused.web.words import format_cents, format_micros, mark_time

NASTY = 'it\'s "here" $HOME `id` \\ \n 日本'


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_input_of_every_template_has_a_control(name: str) -> None:
    schema = make_input_schema(get_template(name), {"model": ["one"]}, ["film"])
    controls = {one.name: one for one in list_controls(schema, folds=True)}
    assert set(controls) == set(schema["properties"])
    assert {one.name for one in controls.values() if one.is_required} == set(schema["required"])
    assert not any(one.is_required and one.is_extra for one in controls.values())


def test_a_form_that_nobody_touched_asks_for_the_defaults_alone() -> None:
    schema = make_input_schema(get_template("text-to-image"), {}, [])
    controls = list_controls(schema, folds=True)
    form = {one.field: one.value for one in controls}
    values, faults = read_values(controls, {**form, "input.prompt": "a boat"})
    assert values == {"prompt": "a boat"}
    assert faults == []


@pytest.mark.parametrize(
    ("kind", "is_whole", "text", "value"),
    [
        ("number", True, " 4 294 967 295 ", 4294967295),
        ("number", False, "0.75", 0.75),
        ("number", True, "7.5", None),
        ("number", True, "٣", 3),
        ("number", False, "nan", None),
        ("number", False, "inf", None),
        ("number", True, "9" * 400, None),
        ("loras", False, "film 0.8\nink", [{"name": "film", "strength": 0.8}, {"name": "ink"}]),
        ("loras", False, "old film", [{"name": "old film"}]),
        ("line", False, " a ", "a"),
        ("choice", False, "unheard of", "unheard of"),
    ],
)
def test_texts_of_a_form_become_values(kind: str, is_whole: bool, text: str, value: object) -> None:
    control = Control("x", kind, "/x", is_whole=is_whole)  # type: ignore[arg-type]
    values, faults = read_values([control], {"input.x": text})
    assert values == ({} if value is None else {"x": value})
    assert [fault["pointer"] for fault in faults] == (["/x"] if value is None else [])


def test_samples_say_exactly_the_request_however_nasty_its_words() -> None:
    body = {"prompt": NASTY, "seed": 7, "watermark": True}
    curl, python, javascript = write_samples(
        "http://house", Call("/generate", body, "generate", "prompt")
    )
    words = shlex.split(curl.code.replace("\\\n", " ", 3))
    assert json.loads(words[words.index("-d") + 1]) == body
    seen: dict[str, object] = {}

    class House:
        def generate(self, prompt: str, **more: object) -> None:
            seen.update(prompt=prompt, **more)

    call = python.code.partition("job = ")[2].partition("    print")[0]
    exec(call, {"house": House()})
    assert seen == body
    assert json.dumps(NASTY, ensure_ascii=False) in javascript.code
    assert "sk_" not in curl.code + python.code + javascript.code


@pytest.mark.parametrize(
    ("number", "top"), [(0, 2), (2, 2), (3, 4), (5, 10), (11, 20), (41, 100), (1790, 2000)]
)
def test_a_chart_ends_at_a_round_number(number: int, top: int) -> None:
    assert round_up(number) == top
    assert top % 2 == 0


def test_a_chart_has_every_day_and_says_what_it_shows() -> None:
    chart = make_chart({"2026-11-09": 4, "2026-11-11": 10}, date(2026, 11, 9), date(2026, 11, 12))
    assert [bar.units for bar in chart.bars] == [4, 0, 10, 0]
    assert [bar.height for bar in chart.bars] == [40, 0, 100, 0]
    assert chart.total == 14
    assert chart.sentence == ("Units a day from 9 Nov to 12 Nov: 14 in all, most on 11 Nov with 10")
    assert make_chart({}, date(2026, 11, 9), date(2026, 11, 9)).sentence.endswith(": none")


def test_money_and_instants_are_written_as_people_read_them() -> None:
    assert [format_cents(cents) for cents in (0, 2900, 4, 2550, None)] == [
        "$0", "$29", "$0.04", "$25.50", "–",
    ]  # fmt: skip
    assert [format_micros(micros) for micros in (15_000, 3_200, 25_000)] == [
        "$0.015", "$0.0032", "$0.025",
    ]  # fmt: skip
    marked = mark_time(datetime(2026, 11, 21, 14, 5, 9, tzinfo=UTC))
    assert 'datetime="2026-11-21T14:05:09+00:00"' in marked
    assert "21 Nov, 14:05 UTC" in marked
