"""What `comfyhoused doctor` says of the operator's rules about content."""

import pytest

from comfyhoused.checkup import Finding, list_findings
from comfyhoused.settings import Settings


async def look(
    monkeypatch: pytest.MonkeyPatch, url: str, subject: str, **variables: str
) -> list[Finding]:
    for name, value in {"CH_REDIS_URL": url, **variables}.items():
        monkeypatch.setenv(name, value)
    return [one for one in await list_findings(Settings.load()) if one.subject == subject]


async def test_nodes_by_default(valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (finding,) = await look(monkeypatch, valkey_url, "nodes")
    assert not finding.is_wrong
    assert "allowed besides: none · refused: none · nodes of paid services: off" in finding.detail


async def test_nodes_of_the_operator(valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    allowed = {"CH_NODES_ALLOWED": "WAS_*,SaveLatent", "CH_NODES_REFUSED": "KSampler"}
    first, second = await look(monkeypatch, valkey_url, "nodes", **allowed, CH_NODES_API="1")
    assert "allowed besides: WAS_*, SaveLatent · refused: KSampler" in first.detail
    assert first.detail.endswith("paid services: on")
    assert second.is_wrong
    assert second.detail.startswith("SaveLatent is allowed by you, although it reads")


@pytest.mark.parametrize(
    ("variables", "is_wrong", "detail"),
    [
        ({}, False, "nobody judges content"),
        (
            {"CH_MODERATION_COMMAND": "judge"},
            False,
            "a command is asked before a job and before its outputs; without an answer content is",
        ),
        (
            {
                "CH_MODERATION_URL": "https://judge.example",
                "CH_MODERATION_BEFORE": "0",
                "CH_MODERATION_WHEN_DOWN": "allow",
            },
            False,
            "an address is asked before its outputs; without an answer content is allowed",
        ),
        (
            {
                "CH_MODERATION_URL": "https://judge.example",
                "CH_MODERATION_BEFORE": "0",
                "CH_MODERATION_AFTER": "0",
            },
            True,
            "asked never",
        ),
    ],
)
async def test_judge(
    valkey_url: str,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    is_wrong: bool,
    detail: str,
) -> None:
    (finding,) = await look(monkeypatch, valkey_url, "judge", **variables)
    assert finding.is_wrong is is_wrong
    assert detail in finding.detail
