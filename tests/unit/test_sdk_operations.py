"""Every operation of the API has a method in both SDKs, and no method stands for nothing."""

import json
import re
from functools import reduce
from pathlib import Path

import pytest

from comfyhouse import AsyncClient, Client
from comfyhouse.operations import OPERATIONS
from tools import reference

_SCRIPT = reference.ROOT / "sdk" / "javascript" / "src" / "operations.ts"
_DOCUMENT = json.loads(reference.write_openapi())
_IDS = {
    operation["operationId"] for item in _DOCUMENT["paths"].values() for operation in item.values()
}


def read_script_operations(path: Path) -> dict[str, str]:
    return dict(re.findall(r'^  (\w+): "([\w.]+)",$', path.read_text(), flags=re.MULTILINE))


def test_the_python_sdk_knows_every_operation() -> None:
    assert set(OPERATIONS) == _IDS


def test_the_javascript_sdk_knows_every_operation() -> None:
    assert set(read_script_operations(_SCRIPT)) == _IDS


@pytest.mark.parametrize("kind", [Client, AsyncClient])
@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_an_operation_has_its_method(kind: type, name: str) -> None:
    client = kind("sk_test_x", base_url="http://127.0.0.1:9")

    assert callable(reduce(getattr, OPERATIONS[name].split("."), client))
