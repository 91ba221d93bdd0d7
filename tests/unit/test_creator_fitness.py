"""Production lets nobody into Creator by a stand-in for Google, or with tokens poorly kept."""

import base64

import pytest

from comfyhoused.creator.google import make_vault
from comfyhoused.fitness import find_unfit_settings
from comfyhoused.resources import UnfitHouse
from comfyhoused.settings import Settings

KEY = base64.b64encode(bytes(32)).decode()
OLD_KEY = base64.b64encode(b"\1" * 32).decode()
FIT = {
    "CH_SECRET": "x" * 32,
    "CH_DATABASE_URL": "postgresql://127.0.0.1/creator",
    "CH_PUBLIC_URL": "https://house.example",
    "CH_VAULT_KEYS": KEY,
}


def find_reasons(monkeypatch: pytest.MonkeyPatch, **environment: str) -> list[str]:
    for name, value in (FIT | environment).items():
        monkeypatch.setenv(name, value)
    return list(find_unfit_settings(Settings.load()))


def test_a_house_with_everything_is_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_reasons(monkeypatch) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CH_VAULT_KEYS", ""),
        ("CH_GOOGLE_ISSUER", "http://127.0.0.1:9000"),
        ("CH_GOOGLE_API_URL", "https://google.example"),
        ("CH_GOOGLE_PICKER_URL", "https://google.example/pick"),
        ("CH_PUBLIC_URL", "http://house.example"),
    ],
)
def test_each_weakness_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    (reason,) = find_reasons(monkeypatch, **{name: value})
    assert reason.startswith(name)


def test_without_creator_none_of_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    bare = {"CH_DATABASE_URL": "", "CH_VAULT_KEYS": "", "CH_PUBLIC_URL": ""}
    assert find_reasons(monkeypatch, **bare) == []


def test_keys_can_be_changed_by_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CH_VAULT_KEYS", OLD_KEY)
    sealed = make_vault(Settings.load()).seal("1//refresh", "con_1")
    monkeypatch.setenv("CH_VAULT_KEYS", f"{KEY}, {OLD_KEY}")
    assert make_vault(Settings.load()).open(sealed, "con_1") == "1//refresh"


def test_development_seals_by_its_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CH_SECRET", "one secret")
    sealed = make_vault(Settings.load()).seal("1//refresh", "con_1")
    assert make_vault(Settings.load()).open(sealed, "con_1") == "1//refresh"


def test_a_key_that_is_none_opens_no_house(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CH_VAULT_KEYS", "c2hvcnQ=")
    with pytest.raises(UnfitHouse, match="CH_VAULT_KEYS"):
        make_vault(Settings.load())
