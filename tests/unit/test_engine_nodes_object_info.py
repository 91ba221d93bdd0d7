"""Node declarations against what a real ComfyUI 0.3.64 declares.

`engine_nodes_declared.jsonl` holds the recorded names, types, ranges, defaults and outputs, one
class a line; where the recordings lie beside the repository every key is compared with them.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from comfyhouse_engine import nodes
from comfyhouse_engine.nodes import conditioning, latents, loaders, sampling
from tests.engine_nodes import make_folders

HERE = Path(__file__).parent
RECORDED = (
    HERE.parents[1] / "../shared/comfyui-recordings/object_info/object_info-full-no-api-nodes.json"
)
ELSEWHERE = {
    name
    for module in (conditioning, latents, loaders, sampling)
    for name in module.NODE_CLASS_MAPPINGS
}
EXACT = sorted(set(nodes.NODE_CLASS_MAPPINGS) - ELSEWHERE)
FILE_LISTS = {
    ("LoadImage", "image"),
    ("LoadImageMask", "image"),
    ("LoadLatent", "latent"),
    ("LoadVideo", "file"),
}
_OPTIONS = ("default", "min", "max", "step", "options", "multiline", "display")


def describe(name: str) -> dict[str, Any]:
    """Return a class the way /object_info does, as plain JSON."""
    node: Any = nodes.NODE_CLASS_MAPPINGS[name]
    is_schema = getattr(node, "IS_SCHEMA_NODE", False)
    inputs = json.loads(json.dumps(node.INPUT_TYPES()))
    order = {category: list(names) for category, names in inputs.items()}
    outputs = list(node.RETURN_TYPES)
    if is_schema and "hidden" in inputs:
        inputs["hidden"] = {key: [kind] for key, kind in inputs["hidden"].items()}
    described = {
        "input": inputs,
        "input_order": order,
        "output": outputs,
        "output_is_list": list(getattr(node, "OUTPUT_IS_LIST", [False] * len(outputs))),
        "output_name": list(getattr(node, "RETURN_NAMES", outputs)),
        "name": name,
        "display_name": nodes.NODE_DISPLAY_NAME_MAPPINGS.get(name, None if is_schema else name),
        "description": getattr(node, "DESCRIPTION", ""),
        "python_module": getattr(node, "RELATIVE_PYTHON_MODULE", "nodes"),
        "category": node.CATEGORY,
        "output_node": getattr(node, "OUTPUT_NODE", False),
    }
    flags = {"experimental": getattr(node, "EXPERIMENTAL", False)}
    if is_schema:
        flags |= {"deprecated": False, "api_node": False}
        described["output_tooltips"] = [None] * len(outputs)
    return described | {key: flag for key, flag in flags.items() if flag or is_schema}


def distil(described: dict[str, Any]) -> dict[str, Any]:
    """Keep what a workflow depends on."""
    inputs = {
        category: {
            name: _distil_input(declared, (described["name"], name) in FILE_LISTS)
            for name, declared in names.items()
        }
        for category, names in described["input"].items()
    }
    kept = ("name", "output", "output_is_list", "output_name", "category", "output_node")
    return {**{key: described[key] for key in kept}, "input": inputs}


def _distil_input(declared: Any, lists_files: bool) -> Any:
    if isinstance(declared, str):
        return declared
    kind, *more = declared
    options = {key: more[0][key] for key in _OPTIONS if more and key in more[0]}
    if lists_files:
        kind, options = "files", {}
    return [kind, options]


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path) -> None:
    make_folders(tmp_path)


@cache
def _read_expected() -> dict[str, dict[str, Any]]:
    lines = (HERE / "engine_nodes_declared.jsonl").read_text(encoding="utf-8").splitlines()
    return {entry["name"]: entry for entry in map(json.loads, lines)}


def test_every_class_has_an_expectation() -> None:
    assert sorted(_read_expected()) == EXACT
    assert len(EXACT) == 71


@pytest.mark.parametrize("name", EXACT)
def test_declares_what_comfyui_declares(name: str) -> None:
    assert distil(describe(name)) == _read_expected()[name]


@cache
def _read_recorded() -> dict[str, dict[str, Any]]:
    body: dict[str, dict[str, Any]] = json.loads(RECORDED.read_text(encoding="utf-8"))["response"][
        "body"
    ]
    return body


@pytest.mark.parametrize("name", EXACT)
def test_describes_itself_as_recorded(name: str) -> None:
    if not RECORDED.exists():
        pytest.skip("the recordings are not beside the repository")
    recorded = json.loads(json.dumps(_read_recorded()[name]))
    described = describe(name)
    for owner, field in FILE_LISTS:
        if owner == name:
            _forget_files(recorded, field)
            _forget_files(described, field)
    assert described == recorded


def _forget_files(described: dict[str, Any], field: str) -> None:
    declared = described["input"]["required"][field]
    if declared[0] == "COMBO":
        declared[1]["options"] = []
    else:
        declared[0] = []


@pytest.mark.parametrize("name", EXACT)
def test_function_takes_every_declared_input(name: str) -> None:
    node: Any = nodes.NODE_CLASS_MAPPINGS[name]
    code = getattr(node, node.FUNCTION).__code__
    accepted = set(code.co_varnames[1 : code.co_argcount])
    declared = {field for names in node.INPUT_TYPES().values() for field in names}
    assert declared <= accepted
    required = set(node.INPUT_TYPES()["required"])
    defaults = getattr(node, node.FUNCTION).__defaults__ or ()
    without_default = set(code.co_varnames[1 : code.co_argcount - len(defaults)])
    assert without_default <= required
