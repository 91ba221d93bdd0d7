"""/workflows: graphs with typed inputs, registered under a name, versioned, run by it."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Request, Response

from comfyhoused.api.documented_problems import BODY_PROBLEMS, INVALID, NOT_FOUND, PROBLEMS
from comfyhoused.api.house import ApiHouse, House, JobWriter, WorkflowReader, WorkflowWriter
from comfyhoused.api.job_requests import WorkflowRequest
from comfyhoused.api.job_responses import JobResponse
from comfyhoused.api.registering import make_definition
from comfyhoused.api.submitting import IdempotencyKey, submit, submit_and_wait
from comfyhoused.api.waiting import read_wait
from comfyhoused.api.workflow_openapi import describe_endpoint
from comfyhoused.api.workflow_rendering import render_summary, render_workflow
from comfyhoused.api.workflow_schemas import (
    WorkflowDefinition,
    WorkflowList,
    WorkflowResponse,
    WorkflowRun,
)
from comfyhoused.core.fleet.catalogues import NoBackendYet
from comfyhoused.core.workflows.catalogue import Catalogue
from comfyhoused.core.workflows.registered.records import (
    NAME_PATTERN,
    Registration,
    WorkflowNotFound,
    check_name,
    drop_registration,
    get_registration,
    list_registrations,
    read_reference,
    register,
)
from comfyhoused.core.workflows.registered.schema import make_schema

router = APIRouter(prefix="/workflows", tags=["Workflows"], responses=PROBLEMS)

Name = Annotated[
    str,
    Path(max_length=80, description=f"`name` or `name@3`; a name is {NAME_PATTERN}"),
]
Version = Annotated[
    int | None, Query(ge=1, le=10**9, description="default: the one in the name, or the latest")
]


@router.put(
    "/{name}",
    responses={
        200: {"description": "It is the latest version already"},
        201: {"model": WorkflowResponse, "description": "It is a new version"},
        **BODY_PROBLEMS,
        **NOT_FOUND,
    },
)
async def register_workflow(
    house: House,
    principal: WorkflowWriter,
    name: Annotated[str, Path(max_length=80, description=NAME_PATTERN)],
    body: WorkflowDefinition,
    request: Request,
    response: Response,
) -> WorkflowResponse:
    """Register a workflow, or its next version: what is unchanged changes nothing.

    Earlier versions can still be run. The graph and the declared inputs are checked against
    what the servers offer; where none is known yet, a warning says so.
    """
    house.plans.require_feature(principal.plan, "registered_workflows")
    check_name(name)
    definition = await make_definition(house, principal, body)
    store = house.resources.store
    version, is_new = await register(store, principal.owner, name, definition)
    response.status_code = 201 if is_new else 200
    response.headers["Location"] = f"{request.url.path}?version={version}"
    return render_workflow(await get_registration(store, principal.owner, name, version))


@router.get("", responses={**INVALID, 400: INVALID[422]})
async def list_workflows(
    house: House,
    principal: WorkflowReader,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> WorkflowList:
    """List your registered workflows by name, each in its latest version."""
    store = house.resources.store
    page = await list_registrations(store, principal.owner, limit=limit, cursor=cursor)
    summaries = [render_summary(one) for one in page.items]
    return WorkflowList(workflows=summaries, next_cursor=page.next_cursor)


@router.get("/{name}", responses=NOT_FOUND)
async def get_workflow(
    house: House, principal: WorkflowReader, name: Name, version: Version = None
) -> WorkflowResponse:
    """Show a registered workflow with its graph."""
    return render_workflow(await _find(house, principal.owner, name, version))


@router.delete("/{name}", status_code=204, responses=NOT_FOUND)
async def delete_workflow(
    house: House,
    principal: WorkflowWriter,
    name: Annotated[str, Path(max_length=80, description=NAME_PATTERN)],
) -> None:
    """Remove a workflow with all its versions. Jobs that were submitted go on."""
    await drop_registration(house.resources.store, principal.owner, name)


@router.get("/{name}/schema", responses=NOT_FOUND)
async def get_workflow_schema(
    house: House, principal: WorkflowReader, name: Name, version: Version = None
) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of the inputs, choices as the servers offer them now."""
    found = await _find(house, principal.owner, name, version)
    return {
        "$id": f"{_make_url(house, found)}/schema",
        **make_schema(found.definition, await _list_catalogues(house, principal.mode)),
    }


@router.get("/{name}/openapi.json", responses=NOT_FOUND)
async def get_workflow_openapi(
    house: House,
    principal: WorkflowReader,
    name: Name,
    request: Request,
    version: Version = None,
) -> dict[str, Any]:
    """Return an OpenAPI document of the one endpoint that runs this version."""
    found = await _find(house, principal.owner, name, version)
    schema = make_schema(found.definition, await _list_catalogues(house, principal.mode))
    base_url = house.resources.settings.http.base_url
    return describe_endpoint(request.app.openapi(), found, schema, base_url)


@router.post(
    "/{name}/jobs",
    status_code=202,
    response_model=JobResponse,
    responses={
        200: {"model": JobResponse, "description": "It has ended while you waited"},
        **BODY_PROBLEMS,
        **NOT_FOUND,
    },
)
async def run_workflow(
    house: House,
    principal: JobWriter,
    name: Name,
    body: WorkflowRun,
    request: Request,
    response: Response,
    version: Version = None,
    prefer: Annotated[
        str | None, Header(description="wait=N seconds for the end; default: do not wait")
    ] = None,
    idempotency_key: IdempotencyKey = "",
) -> JobResponse | Response:
    """Accept a job that runs a registered workflow with these inputs."""
    reference = _make_reference(name, version)
    run = WorkflowRequest(workflow=reference, **body.model_dump(exclude_unset=True))
    if read_wait(prefer, 0):
        return await submit_and_wait(
            house, principal, run, request, response, prefer, idempotency_key
        )
    return await submit(house, principal, run, response, idempotency_key)


async def _find(house: ApiHouse, owner: str, name: str, version: int | None) -> Registration:
    plain, wanted = read_reference(_make_reference(name, version))
    return await get_registration(house.resources.store, owner, plain, wanted)


def _make_reference(name: str, version: int | None) -> str:
    """Return `name@version`; raises WorkflowNotFound where both name different versions."""
    plain, named = read_reference(name)
    if version is None or named == version:
        return name
    if named is not None:
        raise WorkflowNotFound(f"The address names version {named} and version {version}.")
    return f"{plain}@{version}"


async def _list_catalogues(house: ApiHouse, mode: Any) -> list[Catalogue]:
    """Without any server the schema is published all the same, without their choices."""
    try:
        return await house.catalogues.list_catalogues(mode)
    except NoBackendYet:
        return []


def _make_url(house: ApiHouse, found: Registration) -> str:
    base_url = house.resources.settings.http.base_url
    return f"{base_url}/api/v1/workflows/{found.name}@{found.version}"
