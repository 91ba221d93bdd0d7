"""docs/api/sandbox.md names every switch, magic word and trial, and no others."""

import re
from dataclasses import fields
from pathlib import Path

from comfyhouse_engine.nodes import magic
from comfyhouse_engine.switches import Switches
from comfyhoused.api.trials import HEADER, TRIALS
from tools.reference import list_documented_errors

PAGE = (Path(__file__).parents[2] / "docs" / "api" / "sandbox.md").read_text()


def test_every_switch_is_on_the_page() -> None:
    table = PAGE[PAGE.index("## For tests") : PAGE.index("`--models-file")]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`([a-z_]+)`", row)}
    assert named == {field.name for field in fields(Switches)}


def test_every_magic_word_is_on_the_page_and_is_one() -> None:
    named = set(re.findall(r"`sandbox:([a-z-]+)(?:=\d+)?`", PAGE))
    assert named == {"fail", "out-of-memory", "slow", "hang", "lost"}
    for word in named:
        assert word in magic.read_orders(f"a cat sandbox:{word}").words


def test_every_trial_is_on_the_page_and_every_code_there_is_one() -> None:
    part = PAGE[PAGE.index("## Every failure") : PAGE.index("## For tests")]
    rows = re.findall(r"^\| `([a-z_]+)` \|", part, re.MULTILINE)
    assert rows == list(TRIALS)
    assert HEADER in part
    before_table = part[: part.index("| code |")]
    named = set(re.findall(r"`([a-z]+_[a-z_]+)`", before_table)) - {"sk_test_"}
    codes = {error.code for error in list_documented_errors()}
    assert named <= codes
    assert set(TRIALS) - {"slow"} <= codes
