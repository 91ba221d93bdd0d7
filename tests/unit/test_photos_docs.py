"""docs/creator/photos.md says what is so: its words against the code's."""

import re
from pathlib import Path
from typing import get_args

from comfyhoused.core.photos.naming import DEFAULT_TEMPLATE, FIELDS
from comfyhoused.core.photos.opening import MAX_PIXELS
from comfyhoused.core.photos.shapes import CONTENT_TYPES, Note
from comfyhoused.creator.kept import KEPT_WORDS, describe_kept
from comfyhoused.creator.uploads import LEAST_PART_BYTES, MOST_OPEN, MOST_PART_BYTES

DOCS = Path(__file__).parents[2] / "docs/creator"


def test_every_note_has_its_line() -> None:
    text = (DOCS / "photos.md").read_text()
    assert set(re.findall(r"^\| `([a-z_]+)` \|", text, re.MULTILINE)) == set(get_args(Note))


def test_every_note_has_words_on_the_edit_s_page() -> None:
    assert set(KEPT_WORDS) == set(get_args(Note))
    assert describe_kept(None) == describe_kept({"notes": [], "facts": {}}) == ()
    assert describe_kept({"kept": ["eight_bits"]}) == (KEPT_WORDS["eight_bits"],)


def test_every_kind_has_its_column() -> None:
    head = next(line for line in (DOCS / "photos.md").read_text().splitlines() if "| JPEG" in line)
    assert [cell.strip().lower() for cell in head.split("|") if cell.strip()] == list(CONTENT_TYPES)


def test_names_and_sizes_are_the_code_s() -> None:
    text = (DOCS / "photos.md").read_text()
    assert f"`{DEFAULT_TEMPLATE}`" in text
    assert all(f"`{{{field}}}`" in text for field in FIELDS)
    assert f"{MAX_PIXELS // 1_000_000} megapixels" in text
    uploads = (DOCS / "uploads.md").read_text()
    assert f"{LEAST_PART_BYTES:,} to {MOST_PART_BYTES:,}" in uploads
    assert f"{MOST_OPEN} photos" in uploads
