"""docs/settings.md and .env.example say what the settings' model says."""

from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from comfyhoused.settings import GROUPS, Settings
from tools import reference


def test_every_group_of_the_settings_is_documented() -> None:
    groups = {type(group) for group in vars(Settings()).values()}
    assert groups == set(GROUPS)


@pytest.mark.parametrize("group", GROUPS)
def test_every_setting_has_a_description(group: type[BaseSettings]) -> None:
    for name, field in group.model_fields.items():
        assert field.description, name


def test_the_page_is_up_to_date() -> None:
    page = reference.SETTINGS_PAGE.read_text()
    assert page == reference.replace_block(page, reference.write_settings_block()), "make docs"


def test_the_example_is_up_to_date() -> None:
    assert reference.ENV_EXAMPLE.read_text() == reference.write_env_example(), "make docs"


def test_the_example_sets_what_is_the_default_anyway(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lines = reference.ENV_EXAMPLE.read_text().splitlines()
    monkeypatch.chdir(tmp_path)
    plain = {name: vars(group) for name, group in vars(Settings.load()).items()}
    for line in lines:
        if line.startswith("#CH_"):
            variable, value = line[1:].split("=", 1)
            monkeypatch.setenv(variable, value)
    assert {name: vars(group) for name, group in vars(Settings.load()).items()} == plain
