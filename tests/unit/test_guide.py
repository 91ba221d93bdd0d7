"""The guides name every parameter and every call of the API."""

import json
import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from comfyhoused.api.batch_schemas import BatchRequest
from comfyhoused.api.job_requests import (
    FinishOptions,
    GenerateRequest,
    JobOptions,
    UpscaleRequest,
    WorkflowRequest,
)
from comfyhoused.api.workflow_schemas import WorkflowDefinition

_ROOT = Path(__file__).parents[2]
_PAGE = (_ROOT / "docs" / "shared" / "USER_EXPERIENCE_GUIDE.md").read_text()


@pytest.mark.parametrize(
    ("heading", "model", "without"),
    [
        ("`POST /generate`", GenerateRequest, (FinishOptions, JobOptions)),
        ("`POST /upscale`", UpscaleRequest, (FinishOptions, JobOptions)),
        ("How pictures are handed over, in both", FinishOptions, ()),
        ("What any job may carry", JobOptions, ()),
        ("Graphs: `POST /jobs`", WorkflowRequest, (FinishOptions, JobOptions)),
        ("Registering: `PUT /workflows/{name}`", WorkflowDefinition, ()),
        ("Many at once: `POST /batches`", BatchRequest, ()),
    ],
)
def test_every_parameter_is_explained(
    heading: str, model: type[BaseModel], without: tuple[type[BaseModel], ...]
) -> None:
    table = _PAGE.split(f"### {heading}\n", 1)[1].split("\n#", 1)[0]
    rows = re.findall(r"^\| (`[^|]*) \|", table, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    inherited = {name for base in without for name in base.model_fields}

    assert named == set(model.model_fields) - inherited


def test_every_call_is_on_the_page_of_all_calls() -> None:
    folder = _ROOT / "docs" / "api"
    paths = json.loads((folder / "openapi.json").read_text())["paths"]
    table = (folder / "guide.md").read_text().split("## All calls\n", 1)[1].split("\n## ", 1)[0]
    # `…/{batch_id}/retry` is short for what stands before it in its row.
    named = {
        name.rstrip("/")
        for row in table.splitlines()
        for name in _spell_out(re.findall(r"`[^`]*?((?:/|…)[^` ]*)`", row))
    }

    assert {path.removeprefix("/api/v1") for path in paths} - named == set()


def _spell_out(names: list[str]) -> list[str]:
    first = names[0].split("/{")[0] if names else ""
    return [name.replace("…", first, 1) for name in names]
