"""docs/creator/google.md names what there is."""

import re
from dataclasses import fields
from pathlib import Path
from typing import get_args

from comfyhouse_demo.google import faults, scopes, switches
from comfyhouse_demo.google.command import make_parser
from comfyhoused.adapters.google import pauses
from comfyhoused.creator.sign_in import CALLBACK, SCOPE
from comfyhoused.settings import GROUPS

PAGE = (Path(__file__).parents[2] / "docs/creator/google.md").read_text()
NAMES = set(re.findall(r"`([^`\s]+)`", PAGE))


def test_every_fault_and_switch_is_named() -> None:
    planned = {one.name for one in fields(faults.Fault)} - {"hits"}
    assert planned | set(get_args(faults.Action)) <= NAMES
    assert {one.name for one in fields(switches.Switches)} <= NAMES


def test_every_variable_that_is_named_exists() -> None:
    known = {f"CH_{name.upper()}" for group in GROUPS for name in group.model_fields}
    assert set(re.findall(r"CH_[A-Z_]+", PAGE)) <= known


def test_the_scopes_and_addresses_are_those_of_the_code() -> None:
    assert {scopes.DRIVE, scopes.DRIVE_FILE, CALLBACK} <= NAMES
    assert f"`{SCOPE}`" in PAGE


def test_the_command_is_one_that_there_is() -> None:
    [line] = re.findall(r"^python -m comfyhouse_demo\.google (.*)$", PAGE, re.MULTILINE)
    assert make_parser().parse_args(line.split()).port == 9000


def test_the_pauses_are_those_of_the_code() -> None:
    assert pauses.Pauses() == pauses.Pauses(tries=5, first_seconds=0.5, longest_seconds=16.0)
    assert "five times" in PAGE
    assert "up to 16 s" in PAGE
