"""docs/api/keys.md says what the code does: scopes, codes, commands' limits, settings."""

import re
from pathlib import Path

from comfyhoused.api.client_tokens import CLIENT_OPERATIONS
from comfyhoused.api.key_records import DEFAULT_SCOPES, SCOPES
from comfyhoused.api.key_schemas import LONGEST_OVERLAP_HOURS, Scope, TokenScope
from comfyhoused.api.key_schemas import TOKEN_SCOPES as OF_TOKENS
from comfyhoused.api.keys import MOST_KEYS
from comfyhoused.api.sessions import LASTS_SECONDS
from comfyhoused.api.sign_in_links import GOOD_FOR_SECONDS
from tools.reference import list_documented_errors

PAGE = (Path(__file__).parents[2] / "docs" / "api" / "keys.md").read_text()


def test_every_scope_is_on_the_page_and_no_other() -> None:
    table = PAGE[PAGE.index("### Scopes") : PAGE.index("## In a browser")]
    named = re.findall(r"`([a-z]+:[a-z]+)`", "".join(re.findall(r"^\| (.*?) \|", table, re.M)))
    assert sorted(named) == sorted(SCOPES)
    assert set(SCOPES) - set(DEFAULT_SCOPES) == {"keys:write", "keys:read"}


def test_the_document_knows_the_same_scopes() -> None:
    assert Scope.__args__ == SCOPES  # type: ignore[attr-defined]
    assert TokenScope.__args__ == OF_TOKENS  # type: ignore[attr-defined]


def test_figures_are_those_of_the_code() -> None:
    assert f"at most {MOST_KEYS} keys in use" in PAGE
    assert f"at most {LONGEST_OVERLAP_HOURS})" in PAGE
    assert f"for {GOOD_FOR_SECONDS // 60} minutes" in PAGE
    assert f"lasts {LASTS_SECONDS // 86_400} days at most" in PAGE


def test_codes_on_the_page_are_errors() -> None:
    codes = {error.code for error in list_documented_errors()}
    named = {"secret_key_needed", "client_token_spent", "key_in_browser", "account_stopped"}
    assert all(f"`{code}`" in PAGE for code in named)
    assert named <= codes


def test_a_browser_lists_nothing() -> None:
    lists = {one for one in CLIENT_OPERATIONS if one.startswith("list_")}
    assert lists <= {"list_models", "list_samplers", "list_templates"}
