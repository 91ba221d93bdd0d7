"""Numbers, texts and schemas as the pages say them."""

from typing import Any

import pytest

from comfyhoused.api.console.schema_words import describe_type
from comfyhoused.web.words import format_bytes, format_count, format_seconds, mark_code


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "–"), (0.084, "84 ms"), (0.1, "0.1 s"), (6.44, "6.4 s"), (125, "2 min 5 s")],
)
def test_seconds_carry_their_unit(seconds: float | None, words: str) -> None:
    assert format_seconds(seconds) == words


def test_what_is_not_known_is_a_dash() -> None:
    assert [format_count(None), format_bytes(None), format_seconds(None)] == ["–"] * 3


def test_large_numbers_are_grouped_and_bytes_rounded() -> None:
    assert format_count(17902) == "17\u202f902"
    assert [format_bytes(size) for size in (1, 940_000, 1_900_000)] == ["1 kB", "940 kB", "1.9 MB"]


def test_code_is_marked_and_everything_is_escaped() -> None:
    marked = mark_code("use `<b>` & <i>")
    assert marked == "use <code>&lt;b&gt;</code> &amp; &lt;i&gt;"
    assert mark_code("an `open end") == "an <code>open end</code>"


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        (
            {
                "type": "integer",
                "minimum": 64.0,
                "maximum": 2048.0,
                "multipleOf": 8,
                "default": 512,
            },
            "whole number 64 to 2048 in steps of 8, else 512",
        ),
        (
            {"anyOf": [{"type": "integer"}, {"type": "null"}], "minimum": 0, "maximum": 4294967295},
            "whole number or null 0 to 4294967295",
        ),
        ({"type": "array", "items": {"$ref": "#/components/schemas/Lora"}}, "list of Lora"),
        ({"enum": ["input", "output"]}, "one of input, output"),
        ({"const": "ok"}, "one of ok"),
        ({"type": "string", "maxLength": 300}, "text up to 300 characters"),
        ({"type": "string", "format": "date-time"}, "instant (ISO 8601)"),
        ({}, "anything"),
    ],
)
def test_a_schema_is_said_in_a_phrase(schema: dict[str, Any], words: str) -> None:
    assert describe_type(schema) == words
