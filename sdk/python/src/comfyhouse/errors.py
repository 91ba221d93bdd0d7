"""What can go wrong, as classes. The server's `code` is permanent; branch on it or on the class.

ComfyhouseError
├── ConnectionFailed            the server was not reached, or went away in mid-answer
└── ApiError                    the server answered with a problem document
    ├── InvalidRequest          400, 413, 415, 422
    ├── AuthenticationFailed    401
    ├── PermissionDenied        403
    ├── NotFound                404
    ├── Conflict                409
    │   └── IdempotencyConflict     the key belongs to another request
    ├── LimitReached            429
    │   ├── QuotaExceeded           the plan's images are used up
    │   └── SpendCapReached         your own cap is reached
    ├── ServerUnavailable       503: try again later
    ├── ServerFailed            other 5xx
    └── JobFailed               the job ended without a result; `job_id` names it
SignatureInvalid                a webhook that was not sent by us
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ComfyhouseError(Exception):
    """Anything this library raises."""


class ConnectionFailed(ComfyhouseError):
    """The server was not reached, or the connection broke; the request was retried before."""


class SignatureInvalid(ComfyhouseError):
    """The webhook's signature does not fit: do not trust its content."""


class ApiError(ComfyhouseError):
    """A problem document (RFC 9457) from the server.

    `errors` lists what is wrong where: `detail`, and `pointer`, `node_id`, `class_type`,
    `allowed` as far as they are known.
    """

    def __init__(self, status: int, problem: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        self.status = status
        self.problem = dict(problem)
        self.code = str(problem.get("code", f"http_{status}"))
        self.title = str(problem.get("title", ""))
        self.detail = str(problem.get("detail", ""))
        self.errors: list[dict[str, Any]] = list(problem.get("errors", []))
        self.retryable = bool(problem.get("retryable", False))
        self.job_id: str | None = problem.get("job_id")
        self.retry_after = _read_seconds(headers.get("retry-after"))
        super().__init__(self._describe())

    def _describe(self) -> str:
        lines = [f"{self.title or 'The request failed'} ({self.code}): {self.detail}".rstrip(": ")]
        for error in self.errors:
            where = error.get("pointer") or error.get("node_id") or ""
            lines.append(f"  {where}: {error.get('detail', '')}" if where else f"  {error}")
        return "\n".join(lines)


class InvalidRequest(ApiError):
    """What was sent cannot be accepted; `errors` says what and where."""


class AuthenticationFailed(ApiError):
    """No key, or none that is valid."""


class PermissionDenied(ApiError):
    """The key, the plan or the account does not allow it."""


class NotFound(ApiError):
    """Nothing of yours has this id."""


class Conflict(ApiError):
    """It exists already, or is in the wrong state."""


class IdempotencyConflict(Conflict):
    """The idempotency key belongs to another request."""


class LimitReached(ApiError):
    """A limit was reached; `retry_after` (seconds) says when to come back, where that helps."""


class QuotaExceeded(LimitReached):
    """The plan's images are used up."""


class SpendCapReached(LimitReached):
    """The cap that you have set on your own spending is reached."""


class ServerUnavailable(ApiError):
    """A part of the house is down for a moment; the request was retried before."""


class ServerFailed(ApiError):
    """The server, or the ComfyUI behind it, failed."""


class JobFailed(ApiError):
    """The job ended without a result. You are not charged."""


_BY_CODE: dict[str, type[ApiError]] = {
    "idempotency_conflict": IdempotencyConflict,
    "quota_exceeded": QuotaExceeded,
    "spend_cap_reached": SpendCapReached,
}
_BY_STATUS: dict[int, type[ApiError]] = {
    400: InvalidRequest,
    401: AuthenticationFailed,
    403: PermissionDenied,
    404: NotFound,
    409: Conflict,
    413: InvalidRequest,
    415: InvalidRequest,
    422: InvalidRequest,
    429: LimitReached,
    503: ServerUnavailable,
}


def make_error(
    status: int, problem: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> ApiError:
    """Return the error of an answer, by its code, else by its status."""
    if "job_id" in problem and status != 503:  # a 503 says that the accepted job goes on
        return JobFailed(status, problem, headers or {})
    kind = _BY_CODE.get(str(problem.get("code"))) or _BY_STATUS.get(status)
    if kind is None:
        kind = ServerFailed if status >= 500 else InvalidRequest
    return kind(status, problem, headers or {})


def make_job_error(job_id: str, problem: Mapping[str, Any]) -> JobFailed:
    """Return the error of a job that ended without a result."""
    return JobFailed(int(problem.get("status", 500)), {**problem, "job_id": job_id}, {})


def _read_seconds(text: str | None) -> float | None:
    try:
        return float(text) if text is not None else None
    except ValueError:
        return None
