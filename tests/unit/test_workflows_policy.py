"""The operator's node policy, and the list of audited classes."""

import pytest
from pydantic import ValidationError

from comfyhoused.core.workflows.audited_nodes import AUDITED, REFUSED
from comfyhoused.core.workflows.policy import REPLACED_OUTPUTS, NodePolicy, make_policy
from comfyhoused.core.workflows.validation import find_errors
from comfyhoused.settings import NodeSettings
from tests.workflow_cases import CATALOGUE, POLICY, make_image_graph


def refuse(class_type: str, policy: NodePolicy = POLICY) -> str | None:
    return policy.find_refusal(class_type, CATALOGUE.classes[class_type])


@pytest.mark.parametrize(
    "class_type",
    [
        "SaveLatent",
        "LoadLatent",
        "LoadImageOutput",
        "SaveImageWebsocket",
        "PaidPainter",
        "StrangersFilter",
        "StrangersOutput",
    ],
)
def test_refused_by_default(class_type: str) -> None:
    assert refuse(class_type)


@pytest.mark.parametrize(
    "class_type", ["KSampler", "SaveImage", "PreviewImage", "PreviewAny", "ComfyhousePortrait"]
)
def test_allowed_by_default(class_type: str) -> None:
    assert refuse(class_type) is None


def test_the_operator_may_allow_a_custom_node() -> None:
    policy = NodePolicy(allowed=POLICY.allowed | {"StrangersFilter"})
    assert refuse("StrangersFilter", policy) is None
    assert refuse("StrangersOutput", policy)


def test_a_refusal_wins_over_an_allowance() -> None:
    policy = NodePolicy(allowed=frozenset({"KSampler"}), refused={"KSampler": "too slow here"})
    assert refuse("KSampler", policy) == "too slow here"
    assert not policy.allows("KSampler")


def test_api_nodes_have_a_switch_of_their_own() -> None:
    assert refuse("PaidPainter", NodePolicy(allowed=frozenset({"PaidPainter"})))
    assert refuse("PaidPainter", NodePolicy(allows_api_nodes=True)) is None


def test_an_output_must_leave_something_to_keep() -> None:
    policy = NodePolicy(allowed=frozenset(CATALOGUE.classes), refused={})
    assert refuse("SaveImageWebsocket", policy) == "it does not save its result"
    assert refuse("StrangersOutput", policy) is None


def test_a_refused_node_is_one_error() -> None:
    save = {"class_type": "SaveLatent", "inputs": {"samples": "rubbish"}}
    [error] = find_errors(make_image_graph(_3=save), CATALOGUE, POLICY)
    assert error["pointer"] == "/workflow/3/class_type"
    assert "may not be used" in error["detail"]


def test_the_lists_do_not_contradict_each_other() -> None:
    assert not AUDITED & REFUSED.keys()
    assert {*REPLACED_OUTPUTS, *REPLACED_OUTPUTS.values()} <= AUDITED
    assert len(AUDITED) > 300


def make_settings(monkeypatch: pytest.MonkeyPatch, **variables: str) -> NodeSettings:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return NodeSettings()


def test_settings_of_the_operator(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = make_settings(
        monkeypatch,
        CH_NODES_ALLOWED="Strangers*, SaveLatent ,",
        CH_NODES_REFUSED="KSampler,StrangersOutput",
        CH_NODES_API="true",
    )
    policy = make_policy(settings)
    assert refuse("StrangersFilter", policy) is None
    assert refuse("StrangersOutput", policy) == "the operator does not allow it"
    assert refuse("KSampler", policy) == "the operator does not allow it"
    assert refuse("SaveLatent", policy) is None
    assert refuse("LoadLatent", policy)
    assert refuse("PaidPainter", policy) is None


def test_no_settings_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    policy = make_policy(make_settings(monkeypatch))
    assert (policy.allowed, policy.allows_api_nodes) == (AUDITED, False)
    assert policy.refused == REFUSED


def test_everything_cannot_be_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValidationError, match="every file of the server"):
        make_settings(monkeypatch, CH_NODES_ALLOWED="*")
