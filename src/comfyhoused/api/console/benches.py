"""What the playground can run: templates and registered workflows, with their declared inputs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from comfyhoused.api.console.code_samples import Call
from comfyhoused.api.console.controls import Control
from comfyhoused.api.console.schema_controls import list_controls
from comfyhoused.api.house import ApiHouse, Principal
from comfyhoused.api.job_requests import WorkflowRequest
from comfyhoused.api.proposals.offer import list_offer
from comfyhoused.api.proposals.propose import JobRequest
from comfyhoused.api.template_inputs import get_template, read_template_inputs
from comfyhoused.api.templates import detail_template
from comfyhoused.core.fleet.catalogues import NoBackendYet
from comfyhoused.core.workflows.catalogue import Catalogue
from comfyhoused.core.workflows.registered.records import (
    get_registration,
    list_registrations,
    read_reference,
)
from comfyhoused.core.workflows.registered.schema import make_schema
from comfyhoused.core.workflows.templates import TEMPLATES

#: Names of registered workflows stand behind this: they may be those of templates.
WORKFLOW = "workflows/"
_MOST_WORKFLOWS = 50


@dataclass(frozen=True, slots=True)
class Bench:
    """One thing to run: its form, the request it makes, and the call that makes the same.

    `reason` says why it cannot be run now, else it is empty.
    """

    name: str
    title: str
    about: str
    reason: str
    controls: tuple[Control, ...]
    make_request: Callable[[dict[str, Any]], JobRequest]
    make_call: Callable[[dict[str, Any]], Call]


@dataclass(frozen=True, slots=True)
class BenchLink:
    """The name of a bench and what it is called."""

    name: str
    title: str


async def list_benches(house: ApiHouse, principal: Principal) -> list[BenchLink]:
    """Return everything that can be run in the principal's mode."""
    page = await list_registrations(
        house.resources.store, principal.owner, limit=_MOST_WORKFLOWS, cursor=None
    )
    return [
        *(BenchLink(one.name, one.title) for one in TEMPLATES.values()),
        *(BenchLink(WORKFLOW + one.name, one.definition.title or one.name) for one in page.items),
    ]


async def get_bench(house: ApiHouse, principal: Principal, name: str) -> Bench:
    """Return one by its name; raises TemplateNotFound or WorkflowNotFound."""
    if name.startswith(WORKFLOW):
        return await _get_workflow(house, principal, name.removeprefix(WORKFLOW))
    return await _get_template(house, principal, name)


async def _get_template(house: ApiHouse, principal: Principal, name: str) -> Bench:
    template = get_template(name)
    catalogues, reason = await _look_at_servers(house, principal)
    detail = detail_template(template, catalogues, house.models)
    is_upscale = name == "upscale"
    return Bench(
        name=name,
        title=template.title,
        about=template.about,
        reason=reason or detail.reason or "",
        controls=list_controls(detail.inputs, folds=True),
        make_request=lambda values: read_template_inputs(name, values),
        make_call=lambda values: (
            Call("/upscale", values, "upscale", "image")
            if is_upscale
            else Call("/generate", values, "generate", "prompt")
        ),
    )


async def _get_workflow(house: ApiHouse, principal: Principal, reference: str) -> Bench:
    name, version = read_reference(reference)
    found = await get_registration(house.resources.store, principal.owner, name, version)
    catalogues, reason = await _look_at_servers(house, principal)
    return Bench(
        name=WORKFLOW + reference,
        title=found.definition.title or name,
        about=found.definition.description or f"Your workflow `{name}`, version {found.version}.",
        reason=reason,
        controls=list_controls(make_schema(found.definition, catalogues), root="/inputs"),
        make_request=lambda values: WorkflowRequest(workflow=reference, inputs=values),
        make_call=lambda values: Call(
            f"/workflows/{reference}/jobs", {"inputs": values}, "workflows.run", "", reference
        ),
    )


async def _look_at_servers(house: ApiHouse, principal: Principal) -> tuple[list[Catalogue], str]:
    try:
        return await list_offer(house, principal.mode), ""
    except NoBackendYet as error:
        return [], error.detail
