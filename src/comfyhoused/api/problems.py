"""Every failure as `application/problem+json` (RFC 9457), unknown routes and crashes included."""

from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from comfyhoused.kit.errors import (
    ComfyhouseError,
    FieldError,
    InvalidRequest,
    NotFound,
    Unprocessable,
    UnsupportedMediaType,
    make_problem,
)
from comfyhoused.kit.log import get_logger

log = get_logger(__name__)

MEDIA_TYPE = "application/problem+json"


class MalformedJson(InvalidRequest):
    """The body is not JSON."""

    code = "malformed_json"
    title = "The body is not valid JSON"


class RouteUnknown(NotFound):
    """There is no such address."""

    code = "route_unknown"
    title = "There is nothing at this address"


class MethodNotAllowed(InvalidRequest):
    """The address is right, the method is not."""

    code = "method_not_allowed"
    title = "This address does not take that method"
    status = 405


class InternalError(ComfyhouseError):
    """A fault of ours. It was logged; the same request may succeed later."""

    code = "internal_error"
    title = "Something broke on our side"
    status = 500
    retryable = True


class FieldProblem(BaseModel):
    """One thing that is wrong, and where."""

    detail: str
    pointer: str | None = Field(None, description="JSON Pointer into the body", examples=["/width"])
    node_id: str | None = None
    class_type: str | None = None
    allowed: list[str] | None = Field(None, description="what would be accepted")


class ProblemDocument(BaseModel):
    """An error, as RFC 9457 has it. `code` never changes: branch on it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "/errors/invalid_parameters",
                    "title": "The parameters break a rule",
                    "status": 422,
                    "detail": "width must be divisible by 8, not 513",
                    "instance": "/api/v1/generate",
                    "code": "invalid_parameters",
                    "retryable": False,
                    "errors": [
                        {"pointer": "/width", "detail": "width must be divisible by 8, not 513"}
                    ],
                }
            ]
        }
    )

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    retryable: bool
    errors: list[FieldProblem] = []


def make_response(request: HTTPConnection, error: ComfyhouseError) -> Response:
    """Render an error for this request."""
    document = {**make_problem(error), "instance": request.url.path}
    return Response(
        orjson.dumps(document),
        status_code=error.status,
        media_type=MEDIA_TYPE,
        headers={**error.headers, "Cache-Control": "no-store"},
    )


def install_problem_handlers(app: FastAPI) -> None:
    """Have every failure of the application rendered as a problem."""
    app.add_exception_handler(ComfyhouseError, _render_known)
    app.add_exception_handler(RequestValidationError, _render_invalid)
    app.add_exception_handler(HTTPException, _render_http)
    app.add_exception_handler(Exception, _render_crash)


async def _render_known(request: Request, error: Exception) -> Response:
    assert isinstance(error, ComfyhouseError)
    if error.status >= 500 and error.status != 503:
        log.error("%s %s: %s", request.method, request.url.path, error.detail)
    return make_response(request, error)


async def _render_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = error.errors()
    if any(fault["type"] == "json_invalid" for fault in faults):
        return make_response(request, MalformedJson(_describe_json_fault(faults[0])))
    kind = request.headers.get("content-type", "")
    if request.method in ("POST", "PUT", "PATCH") and not _is_json(kind):
        detail = f"Send `Content-Type: application/json`, not {kind[:80]!r}."
        return make_response(request, UnsupportedMediaType(detail))
    errors = [make_field_error(fault) for fault in faults[:50]]
    first = f"{errors[0].get('pointer', '')} {errors[0]['detail']}".strip()
    return make_response(request, Unprocessable(first, errors=errors))


async def _render_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if error.status_code == 405:
        detail = f"Allowed here: {headers.get('allow', headers.get('Allow', 'other methods'))}."
        return make_response(request, MethodNotAllowed(detail, headers=headers))
    if error.status_code == 404:
        return make_response(request, RouteUnknown("The documentation is at /docs."))
    if error.status_code == 400:
        return make_response(request, InvalidRequest(str(error.detail)))
    return make_response(request, InternalError(str(error.detail)))


async def _render_crash(request: Request, error: Exception) -> Response:
    log.error("%s %s crashed", request.method, request.url.path, exc_info=error)
    return make_response(request, InternalError("It was logged. Try again in a minute."))


def _is_json(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")


def _describe_json_fault(fault: Any) -> str:
    reason = fault.get("ctx", {}).get("error", "it could not be read")
    return f"{reason}, at character {fault['loc'][-1]}"


def make_field_error(fault: Any) -> FieldError:
    """Return a fault of pydantic's whose `loc` begins with the part of the request."""
    place, *whole = fault["loc"]
    path = [step for at, step in enumerate(whole) if not _is_kind(whole, at)]
    steps = "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}"[:200] for step in path)
    detail = str(fault["msg"])[:300]
    if place == "body":
        return FieldError(detail=detail, pointer=steps)
    return FieldError(detail=f"{place} {'.'.join(map(str, path))[:200]}: {detail}")


def _is_kind(path: list[Any], at: int) -> bool:
    """Tell whether a step says which kind of body it is, and is no place in it."""
    stands_there = at == 0 or isinstance(path[at - 1], int)
    return stands_there and str(path[at]).endswith("Request")
