"""A registered workflow as the API shows it."""

from dataclasses import asdict
from typing import Any

from comfyhoused.api.workflow_schemas import (
    InputResponse,
    TargetSchema,
    WorkflowResponse,
    WorkflowSummary,
)
from comfyhoused.core.files.finish import DEFAULT_QUALITY
from comfyhoused.core.workflows.registered.definition import DeclaredInput
from comfyhoused.core.workflows.registered.records import Registration

_UNCHECKED = (
    "No server was known when this was registered, so that only its form was checked. "
    "Register it again when one is there, or see what the first job says."
)


def render_summary(found: Registration) -> WorkflowSummary:
    """Return the workflow without its graph."""
    return WorkflowSummary(**_collect(found))


def render_workflow(found: Registration) -> WorkflowResponse:
    """Return the workflow with its graph."""
    return WorkflowResponse(**_collect(found), workflow=found.definition.graph)


def _collect(found: Registration) -> dict[str, Any]:
    definition = found.definition
    return {
        "name": found.name,
        "version": found.version,
        "versions": list(found.versions),
        "title": definition.title,
        "description": definition.description,
        "inputs": {one.name: _render_input(one) for one in definition.inputs},
        "max_units": definition.max_units,
        "output_format": definition.finish.get("format"),
        "quality": definition.finish.get("quality", DEFAULT_QUALITY),
        "created_at": found.created_at,
        "updated_at": found.updated_at,
        "warnings": [] if definition.is_checked else [_UNCHECKED],
    }


def _render_input(declared: DeclaredInput) -> InputResponse:
    fields = asdict(declared)
    del fields["name"]
    fields["required"] = bool(fields.pop("is_required"))
    fields["targets"] = [TargetSchema(**one) for one in fields["targets"]]
    return InputResponse(**fields)
