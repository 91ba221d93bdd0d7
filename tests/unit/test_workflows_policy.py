"""The operator's node policy, and the list of audited classes."""

import pytest

from comfyhoused.core.workflows.audited_nodes import AUDITED, REFUSED
from comfyhoused.core.workflows.policy import REPLACED_OUTPUTS, NodePolicy
from comfyhoused.core.workflows.validation import find_errors
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
        "PreviewAny",
        "PaidPainter",
        "StrangersFilter",
        "StrangersOutput",
    ],
)
def test_refused_by_default(class_type: str) -> None:
    assert refuse(class_type)


@pytest.mark.parametrize(
    "class_type", ["KSampler", "SaveImage", "PreviewImage", "ComfyhousePortrait"]
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
