"""The demo Google plays its part where it may, and nowhere else."""

from pathlib import Path

import pytest

from comfyhoused.embedded.demo_google import is_wanted, make_google
from comfyhoused.fitness import find_unfit_settings
from comfyhoused.settings import DEMO_CLIENT_ID, Settings


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    def load(**environment: str) -> Settings:
        monkeypatch.chdir(tmp_path)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return Settings.load()

    return load


def test_it_is_for_houses_without_a_project_of_their_own(load) -> None:
    assert is_wanted(load())
    assert not is_wanted(load(CH_GOOGLE_CLIENT_ID="123.apps.googleusercontent.com"))


def test_it_is_never_for_production(load) -> None:
    assert not is_wanted(load(CH_MODE="production"))


def test_production_refuses_it_by_every_name(load) -> None:
    stand_in = "http://127.0.0.1:9"
    reasons = "\n".join(
        find_unfit_settings(
            load(
                CH_MODE="production",
                CH_DATABASE_URL="postgresql://x/y",
                CH_GOOGLE_CLIENT_ID=DEMO_CLIENT_ID,
                CH_GOOGLE_ISSUER=stand_in,
                CH_GOOGLE_API_URL=stand_in,
                CH_GOOGLE_PICKER_URL=stand_in,
            )
        )
    )
    for name in ("CLIENT_ID", "ISSUER", "API_URL", "PICKER_URL"):
        assert f"CH_GOOGLE_{name}" in reasons


def test_the_house_is_told_of_it_and_it_keeps_its_address(load, tmp_path: Path) -> None:
    first, told = make_google(load(), tmp_path / "google", "http://127.0.0.1:8000")
    again, told_again = make_google(load(), tmp_path / "google", "http://127.0.0.1:8000")
    assert (first.command, told) == (again.command, told_again)
    assert told["CH_GOOGLE_CLIENT_ID"] == DEMO_CLIENT_ID
    assert told["CH_GOOGLE_ISSUER"] == told["CH_GOOGLE_API_URL"]
    assert told["CH_GOOGLE_FULL_DRIVE"] == "true"
    assert "http://127.0.0.1:8000" in first.command


def test_what_the_operator_says_of_the_mode_counts(load, tmp_path: Path) -> None:
    settings = load(CH_GOOGLE_FULL_DRIVE="false")
    _, told = make_google(settings, tmp_path / "google", "http://127.0.0.1:8000")
    assert "CH_GOOGLE_FULL_DRIVE" not in told


def test_it_is_reached_under_the_name_that_browsers_use(load, tmp_path: Path) -> None:
    settings = load(CH_HOST="0.0.0.0", CH_PUBLIC_URL="http://nas.local:8000")
    part, told = make_google(settings, tmp_path / "google", "http://127.0.0.1:8000")
    assert told["CH_GOOGLE_ISSUER"].startswith("http://nas.local:")
    assert "http://nas.local:8000" in part.command
