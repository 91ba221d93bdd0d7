"""From a request to an admitted job: check, price, admit, ring."""

import asyncio
import json
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Literal

from blake3 import blake3

from comfyhoused.adapters.queue.doorbell import ring
from comfyhoused.adapters.redis.client import StoreFull
from comfyhoused.api.house import ApiHouse, Principal
from comfyhoused.api.pictures_in import carries_picture, resolve_picture
from comfyhoused.api.plans import get_plan_class
from comfyhoused.api.schemas import GenerateRequest, JobOptions, WorkflowRequest
from comfyhoused.core.files.records import FileNotFound, delete_file, get_file
from comfyhoused.core.jobs.admission import (
    Admission,
    Application,
    IdempotencyConflict,
    QuotaExceeded,
    admit,
)
from comfyhoused.core.workflows.catalogue import merge_catalogues
from comfyhoused.core.workflows.cost import count_units
from comfyhoused.core.workflows.files import list_file_ids
from comfyhoused.core.workflows.generate import build_graph_on_any
from comfyhoused.core.workflows.graph import Workflow
from comfyhoused.core.workflows.parameters import (
    GenerateParameters,
    Lora,
    check_parameters,
    choose_model,
)
from comfyhoused.core.workflows.policy import NodePolicy
from comfyhoused.core.workflows.run_kind import name_run_kind
from comfyhoused.core.workflows.validation import check_graph_on_any
from comfyhoused.kit.ids import make_job_id

_MOST_SEEDS = 2**32


async def accept_generate(
    house: ApiHouse, principal: Principal, request: GenerateRequest, idempotency_key: str
) -> Admission:
    """Accept a picture job; raises what is wrong with it."""
    catalogues = await house.catalogues.list_catalogues(principal.mode)
    catalogue = merge_catalogues(catalogues)
    parameters = _make_parameters(request, choose_model(request.model, catalogue))
    check_parameters(parameters, catalogue)
    file_id = ""
    if request.init_image is not None:
        file_id = await resolve_picture(house, principal, request.init_image, pointer="/init_image")
        parameters = replace(parameters, init_image_file_id=file_id)
    units = count_units(
        width=parameters.width,
        height=parameters.height,
        steps=parameters.steps,
        num_images=parameters.num_images,
    )
    return await _admit(
        house,
        principal,
        request,
        kind="generate",
        workflow=build_graph_on_any(parameters, catalogues),
        units=units,
        model=parameters.model,
        parameters=_describe(request, parameters),
        carried=[file_id] if carries_picture(request.init_image) else [],
        idempotency_key=idempotency_key,
    )


async def accept_workflow(
    house: ApiHouse, principal: Principal, request: WorkflowRequest, idempotency_key: str
) -> Admission:
    """Accept a graph as a job; raises what is wrong with it."""
    catalogues = await house.catalogues.list_catalogues(principal.mode)
    workflow = await asyncio.to_thread(
        check_graph_on_any, request.workflow, catalogues, NodePolicy()
    )
    for file_id in list_file_ids(workflow.graph):
        await get_file(house.resources.store, principal.owner, file_id)
    return await _admit(
        house,
        principal,
        request,
        kind="workflow",
        workflow=workflow,
        units=request.max_units,
        model="",
        parameters={},
        carried=[],
        idempotency_key=idempotency_key,
    )


async def _admit(
    house: ApiHouse,
    principal: Principal,
    request: JobOptions,
    *,
    kind: Literal["generate", "workflow"],
    workflow: Workflow,
    units: int,
    model: str,
    parameters: dict[str, Any],
    carried: list[str],
    idempotency_key: str,
) -> Admission:
    jobs = house.resources.settings.jobs
    digest = await asyncio.to_thread(_make_digest, kind, request) if idempotency_key else ""
    application = Application(
        job_id=make_job_id(),
        owner=principal.owner,
        mode=principal.mode,
        plan_class=get_plan_class(principal.plan),
        kind=kind,
        spec={"graph": workflow.graph, "carried": carried},
        facts={
            "run_kind": name_run_kind(workflow.graph),
            "parameters": parameters,
            "metadata": request.metadata,
        },
        model=model,
        units=units if principal.mode == "live" else 0,
        priority=request.priority,
        timeout_seconds=request.timeout_seconds or jobs.job_timeout_seconds,
        expires_in_seconds=request.expires_in_seconds or jobs.job_expires_seconds,
        idempotency_key=idempotency_key,
        body_digest=digest,
    )
    try:
        admission = await admit(house.resources.store, application)
    except (IdempotencyConflict, QuotaExceeded, StoreFull):
        await _drop_files(house, principal, carried)
        raise
    if admission.is_replayed:
        # The first request brought the same picture; this copy belongs to no job.
        await _drop_files(house, principal, carried)
    if admission.should_ring:
        # Only a hurry: the admission has rung the bell of every live worker already.
        asyncio.get_running_loop().run_in_executor(None, ring, house.broker)
    return admission


async def _drop_files(house: ApiHouse, principal: Principal, file_ids: Sequence[str]) -> None:
    for file_id in file_ids:
        with suppress(FileNotFound):
            await delete_file(
                house.resources.store, house.resources.storage, principal.owner, file_id
            )


def _make_digest(kind: str, request: JobOptions) -> str:
    # The stray parts of a graph are not checked; only this writer takes whatever JSON can hold.
    body = json.dumps(request.model_dump(), sort_keys=True)
    return blake3(kind.encode() + body.encode()).hexdigest()


def _make_parameters(request: GenerateRequest, model: str) -> GenerateParameters:
    return GenerateParameters(
        prompt=request.prompt,
        model=model,
        seed=secrets.randbelow(_MOST_SEEDS) if request.seed is None else request.seed,
        negative_prompt=request.negative_prompt,
        width=request.width,
        height=request.height,
        steps=request.steps,
        cfg_scale=request.cfg_scale,
        sampler_name=request.sampler_name,
        scheduler=request.scheduler,
        num_images=request.num_images,
        loras=tuple(Lora(lora.name, lora.strength) for lora in request.loras),
        strength=request.strength,
    )


def _describe(request: GenerateRequest, parameters: GenerateParameters) -> dict[str, Any]:
    """Return the parameters as they were resolved, to be shown with the job."""
    shown = request.model_dump(exclude=set(JobOptions.model_fields) | {"init_image"})
    shown |= {"seed": parameters.seed, "model": parameters.model}
    if parameters.init_image_file_id is not None:
        shown["init_image"] = parameters.init_image_file_id
    return shown
