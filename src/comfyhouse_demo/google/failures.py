"""Refusals in Google's own shape: `{"error": {"code", "message", "errors": [{"reason", …}]}}`."""

from dataclasses import dataclass
from typing import Any

_STATUS_WORDS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    429: "RESOURCE_EXHAUSTED",
}


@dataclass
class Refusal(Exception):
    """What the Drive API answers instead of what was asked for."""

    status: int
    reason: str
    message: str
    location: str = ""
    location_type: str = "parameter"
    domain: str = "global"
    retry_after: str = ""

    def write(self) -> dict[str, Any]:
        """Return the body."""
        one = {"message": self.message, "domain": self.domain, "reason": self.reason}
        if self.location:
            one |= {"location": self.location, "locationType": self.location_type}
        error: dict[str, Any] = {"code": self.status, "message": self.message, "errors": [one]}
        if self.status in _STATUS_WORDS:
            error["status"] = _STATUS_WORDS[self.status]
        return {"error": error}


def make_not_found(file_id: str) -> Refusal:
    """Return the answer for a file that is not there, or not to be seen."""
    return Refusal(404, "notFound", f"File not found: {file_id}.", "fileId")


def make_invalid(what: str, message: str = "Invalid Value") -> Refusal:
    """Return the answer for a parameter that makes no sense."""
    return Refusal(400, "invalid", message, what)


def make_signed_out() -> Refusal:
    """Return the answer for a token that is none, or none any more."""
    return Refusal(401, "authError", "Invalid Credentials", "Authorization", "header")


def make_scope_missing() -> Refusal:
    """Return the answer for a token whose scopes do not reach so far."""
    return Refusal(
        403, "insufficientPermissions", "Request had insufficient authentication scopes."
    )
