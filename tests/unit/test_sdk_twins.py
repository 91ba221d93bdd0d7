"""What is written from something else is what its source says."""

from pathlib import Path

import pytest

from tools import sdk_models, sync_sdk

TWINS = sync_sdk.list_twins()


@pytest.mark.parametrize("path", TWINS, ids=lambda path: str(path.name))
def test_the_synchronous_client_is_up_to_date(path: Path) -> None:
    assert path.read_text() == TWINS[path], "make docs"


def test_nothing_stale_stands_among_the_twins() -> None:
    found = {path for path in sync_sdk.TARGET.glob("*.py") if path.name != "__init__.py"}

    assert found == set(TWINS)


def test_the_models_of_both_languages_are_up_to_date() -> None:
    assert sdk_models.PYTHON.read_text() == sdk_models.write_python(), "make docs"
    assert sdk_models.JAVASCRIPT.read_text() == sdk_models.write_javascript(), "make docs"
