"""The one error tree. Leaves live beside the module that raises them.

    ComfyhouseError
    ├── InvalidRequest          400  what was sent cannot be accepted
    │   └── Unprocessable       422  it was read, but its content breaks the rules
    ├── Unauthenticated         401  no key, or none that we know
    ├── Forbidden               403  known, but not allowed
    ├── NotFound                404  nothing here that is yours
    ├── Conflict                409  it exists, or is in the wrong state
    ├── TooLarge                413  more bytes or pixels than we take
    ├── UnsupportedMediaType    415  not a kind of content we read
    ├── TooManyRequests         429  a limit was reached; `Retry-After` says when
    ├── Unavailable             503  a part we need is down; try again
    └── BackendFailure          502  a ComfyUI server failed the work

`code` is permanent: clients branch on it. `retryable` tells whether the same
request may succeed later. The same document is sent as HTTP answer, stored on a
failed job and put into a webhook.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, NotRequired, TypedDict


class FieldError(TypedDict):
    """One thing that is wrong, and where: `pointer` is a JSON Pointer (RFC 6901) into the body."""

    detail: str
    pointer: NotRequired[str]
    node_id: NotRequired[str]
    class_type: NotRequired[str]
    allowed: NotRequired[list[str]]


class Problem(TypedDict):
    """An error as a document (RFC 9457), without `instance`, which only a request knows."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    retryable: bool
    errors: list[FieldError]


class ComfyhouseError(Exception):
    """Every failure we know. A subclass sets the class variables; a raise gives the detail."""

    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Something broke on our side"
    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = list(errors)
        self.headers = dict(headers or {})


class InvalidRequest(ComfyhouseError):
    code = "invalid_request"
    title = "The request cannot be accepted"
    status = 400


class Unprocessable(InvalidRequest):
    code = "unprocessable"
    title = "The content of the request breaks a rule"
    status = 422


class Unauthenticated(ComfyhouseError):
    code = "unauthenticated"
    title = "A valid API key is needed"
    status = 401


class Forbidden(ComfyhouseError):
    code = "forbidden"
    title = "This key may not do that"
    status = 403


class NotFound(ComfyhouseError):
    code = "not_found"
    title = "There is nothing of yours at this address"
    status = 404


class Conflict(ComfyhouseError):
    code = "conflict"
    title = "That does not fit what is there already"
    status = 409


class TooLarge(ComfyhouseError):
    code = "too_large"
    title = "That is more than we take"
    status = 413


class UnsupportedMediaType(ComfyhouseError):
    code = "unsupported_media_type"
    title = "We do not read this kind of content"
    status = 415


class TooManyRequests(ComfyhouseError):
    code = "too_many_requests"
    title = "A limit was reached"
    status = 429
    retryable = True


class Unavailable(ComfyhouseError):
    code = "unavailable"
    title = "A part of the house is down for a moment"
    status = 503
    retryable = True


class BackendFailure(ComfyhouseError):
    code = "backend_failure"
    title = "The ComfyUI server failed the work"
    status = 502
    retryable = True


def make_problem(error: ComfyhouseError) -> Problem:
    """Return the error as a document, ready for JSON."""
    return Problem(
        type=f"/errors/{error.code}",
        title=error.title,
        status=error.status,
        detail=error.detail,
        code=error.code,
        retryable=error.retryable,
        errors=error.errors,
    )


def list_error_classes(
    root: type[ComfyhouseError] = ComfyhouseError,
) -> list[type[ComfyhouseError]]:
    """Return the root and every class below it that is imported, in tree order."""
    classes = [root]
    for child in root.__subclasses__():
        classes.extend(list_error_classes(child))
    return classes
