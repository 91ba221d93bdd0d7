"""docs/shared/USER_EXPERIENCE_GUIDE.md names every parameter that the API takes, and no other."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from comfyhoused.api.schemas import (
    FinishOptions,
    GenerateRequest,
    JobOptions,
    UpscaleRequest,
    WorkflowRequest,
)
from comfyhoused.api.workflow_schemas import WorkflowDefinition

_PAGE = (Path(__file__).parents[2] / "docs" / "shared" / "USER_EXPERIENCE_GUIDE.md").read_text()


@pytest.mark.parametrize(
    ("heading", "model", "without"),
    [
        ("`POST /generate`", GenerateRequest, (FinishOptions, JobOptions)),
        ("`POST /upscale`", UpscaleRequest, (FinishOptions, JobOptions)),
        ("How pictures are handed over, in both", FinishOptions, ()),
        ("What any job may carry", JobOptions, ()),
        ("Graphs: `POST /jobs`", WorkflowRequest, (FinishOptions, JobOptions)),
        ("Registering: `PUT /workflows/{name}`", WorkflowDefinition, ()),
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
