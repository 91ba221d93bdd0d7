"""docs/creator/sources.md lists every reason for which a file is not edited, in its words."""

import re
from pathlib import Path

from comfyhoused.core.photos.errors import (
    HeicNotInstalled,
    PhotoKindUnknown,
    PhotoTooLarge,
    PhotoUnreadable,
)
from comfyhoused.creator.presets.book import PresetUnknown
from comfyhoused.creator.presets.parameters import InvalidPresetParameters
from comfyhoused.creator.skips import CODES, describe_skip

PAGE = Path(__file__).parents[2] / "docs" / "creator" / "sources.md"


def test_the_page_says_what_owners_read() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \|$", PAGE.read_text(), re.MULTILINE)
    assert {code for code, _, _ in rows} == CODES
    for code, sentence, next_step in rows:
        skip = describe_skip(code)
        assert (sentence, next_step) == (skip.sentence, skip.next_step or "—")


def test_what_is_wrong_inside_a_photo_has_words_too() -> None:
    inside = {HeicNotInstalled, PhotoKindUnknown, PhotoTooLarge, PhotoUnreadable}
    assert {one.code for one in inside} <= CODES


def test_what_is_wrong_with_a_preset_has_words_and_another_look_may_help() -> None:
    for error in (PresetUnknown, InvalidPresetParameters):
        skip = describe_skip(error.code)
        assert error.code in CODES
        assert skip.next_step
        assert skip.can_retry


def test_a_code_of_another_version_is_said_plainly() -> None:
    assert describe_skip("from_the_future").sentence
