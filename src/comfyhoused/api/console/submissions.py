"""The page's forms that make jobs: a picture from words, and an edit of a photo.

With script they are answered with JSON, without it with a redirection to the job's page.
"""

import re
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import ValidationError

from comfyhoused.api.acceptance import accept
from comfyhoused.api.console.form_faults import FormIncomplete
from comfyhoused.api.console.recipes import RECIPES, Recipe, make_edit
from comfyhoused.api.console.sample import get_sample
from comfyhoused.api.console.shapes import SHAPES, Shape
from comfyhoused.api.console.visitors import PageVisitor, Place, Visitor, make_principal
from comfyhoused.api.job_requests import GenerateRequest, WorkflowRequest
from comfyhoused.api.pictures_in import make_limits
from comfyhoused.api.uploads import open_upload
from comfyhoused.core.files.receive import receive_file
from comfyhoused.core.files.records import File
from comfyhoused.kit.errors import FieldError

router = APIRouter(prefix="/page", include_in_schema=False)


@router.post("/pictures")
async def paint(
    visitor: PageVisitor,
    request: Request,
    token: Annotated[str, Form()] = "",
    prompt: Annotated[str, Form()] = "",
    shape: Annotated[str, Form()] = "4:5",
    seed: Annotated[str, Form()] = "",
    place: Annotated[str, Form()] = "sandbox",
) -> Response:
    """Make a picture from words."""
    visitor.check_form(token)
    size = next((one for one in SHAPES if one.name == shape), SHAPES[0])
    body = _make_body(prompt, size, _read_seed(seed))
    admission = await accept(visitor.house, make_principal(_read_place(place)), body, "")
    return _answer(request, admission.job_id)


@router.post("/sample-edits")
async def edit_sample(
    visitor: PageVisitor,
    request: Request,
    token: Annotated[str, Form()] = "",
    recipe: Annotated[str, Form()] = "daylight",
    place: Annotated[str, Form()] = "sandbox",
) -> Response:
    """Edit the sample photo."""
    visitor.check_form(token)
    where = _read_place(place)
    file = await get_sample(visitor.house, make_principal(where).owner)
    return _answer(request, await _edit(visitor, where, _read_recipe(recipe), file, "sample"))


@router.post("/edits")
async def edit_own(
    visitor: PageVisitor,
    request: Request,
    token: Annotated[str, Query(max_length=64)] = "",
    recipe: Annotated[str, Query(max_length=40)] = "daylight",
    place: Annotated[str, Query(max_length=40)] = "sandbox",
) -> Response:
    """Edit the visitor's own photo: the form's field `file`, streamed.

    Its other values stand in the address, for a streamed form is read in its order.
    """
    visitor.check_form(token)
    where = _read_place(place)
    resources = visitor.house.resources
    limits = make_limits(visitor.house)
    owner = make_principal(where).owner
    async with open_upload(request, max_bytes=limits.max_bytes) as upload:
        file = await receive_file(
            resources.store, resources.storage, owner, upload.chunks, upload.declared_type, limits
        )
    return _answer(request, await _edit(visitor, where, _read_recipe(recipe), file, file.id))


async def _edit(visitor: Visitor, place: Place, recipe: Recipe, file: File, photo: str) -> str:
    graph = make_edit(recipe, file_id=file.id, width=file.width or 1, height=file.height or 1)
    body = WorkflowRequest(
        workflow=dict[str, Any](graph),
        metadata={"page": "edit", "recipe": recipe.name, "photo": photo},
    )
    admission = await accept(visitor.house, make_principal(place), body, "")
    return admission.job_id


def _make_body(prompt: str, size: Shape, seed: int | None) -> GenerateRequest:
    try:
        return GenerateRequest(
            prompt=prompt,
            width=size.width,
            height=size.height,
            seed=seed,
            metadata={"page": "sandbox"},
        )
    except ValidationError as error:
        faults = [
            FieldError(pointer=f"/{fault['loc'][0]}", detail=fault["msg"])
            for fault in error.errors()
        ]
        raise FormIncomplete(faults[0]["detail"], errors=faults) from error


def _answer(request: Request, job_id: str) -> Response:
    page = f"/page/jobs/{job_id}"
    if "application/json" in request.headers.get("accept", ""):
        return JSONResponse({"job_id": job_id, "page": page}, status_code=202)
    return RedirectResponse(page, status_code=303)


def _read_place(text: str) -> Place:
    return "comfyui" if text == "comfyui" else "sandbox"


def _read_recipe(name: str) -> Recipe:
    if name not in RECIPES:
        detail = "There is no such edit."
        raise FormIncomplete(detail, errors=[FieldError(pointer="/recipe", detail=detail)])
    return RECIPES[name]


def _read_seed(text: str) -> int | None:
    digits = re.sub(r"\s", "", text)
    if not digits:
        return None
    if not re.fullmatch(r"[0-9]{1,10}", digits):
        detail = "The seed is a whole number from 0 to 4294967295, or empty for a new one."
        raise FormIncomplete(detail, errors=[FieldError(pointer="/seed", detail=detail)])
    return int(digits)
