"""Reading Google's refusals: `error.errors[].reason` says what happened; statuses mean too much."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from comfyhoused.adapters.google.errors import (
    DriveAbusive,
    DriveBusy,
    DriveFault,
    DriveFileMissing,
    DriveForbidden,
    DriveFull,
    DriveIdTaken,
    DriveNotEnabled,
    DriveNotGranted,
    DrivePolicyForbids,
    DriveRefused,
    DriveScopeMissing,
    DriveSignedOut,
    DriveUnreachable,
    PageTokenInvalid,
)
from comfyhoused.kit.errors import ComfyhouseError

_LONG_SECONDS = 3600.0
_MESSAGE_LENGTH = 300

#: Limits of a day, which a wait of seconds does not help.
_LONG_LIMITS = {"dailyLimitExceeded", "downloadQuotaExceeded", "uploadLimitExceeded"}

_BY_REASON: Mapping[str, type[ComfyhouseError]] = {
    "userRateLimitExceeded": DriveBusy,
    "rateLimitExceeded": DriveBusy,
    "sharingRateLimitExceeded": DriveBusy,
    **dict.fromkeys(_LONG_LIMITS, DriveBusy),
    "backendError": DriveUnreachable,
    "internalError": DriveUnreachable,
    "transientError": DriveUnreachable,
    "authError": DriveSignedOut,
    "insufficientPermissions": DriveScopeMissing,
    "appNotAuthorizedToFile": DriveNotGranted,
    "insufficientFilePermissions": DriveForbidden,
    "insufficientParentPermissions": DriveForbidden,
    "cannotDownloadFile": DriveForbidden,
    "fileNotDownloadable": DriveForbidden,
    "forbidden": DriveForbidden,
    "domainPolicy": DrivePolicyForbids,
    "appNotInstalled": DriveNotGranted,
    "cannotDownloadAbusiveFile": DriveAbusive,
    "storageQuotaExceeded": DriveFull,
    "quotaExceeded": DriveFull,
    "numChildrenInNonRootLimitExceeded": DriveFull,
    "activeItemCreationLimitExceeded": DriveFull,
    "teamDriveFileLimitExceeded": DriveFull,
    "accessNotConfigured": DriveNotEnabled,
    "notFound": DriveFileMissing,
    "fileIdInUse": DriveIdTaken,
    "invalidPageToken": PageTokenInvalid,
}

_BY_STATUS: Mapping[int, type[ComfyhouseError]] = {
    401: DriveSignedOut,
    403: DriveForbidden,
    404: DriveFileMissing,
    409: DriveIdTaken,
    410: PageTokenInvalid,
    429: DriveBusy,
}


def make_fault(status: int, headers: Mapping[str, str], body: bytes) -> ComfyhouseError:
    """Return what the refusal means: an error of ours that is a DriveFault too."""
    reason, location, message = _read_reason(body)
    if reason == "invalid" and location == "pageToken":
        reason = "invalidPageToken"
    kind = _BY_REASON.get(reason) or _BY_STATUS.get(status)
    if kind is None:
        kind = DriveUnreachable if status >= 500 else DriveRefused
    fault = kind(f"Google Drive answered {status} {reason}: {message}".rstrip(": "))
    assert isinstance(fault, DriveFault)
    fault.reason = reason
    if fault.retryable:
        fault.retry_after_seconds = read_retry_after(headers.get("retry-after"))
        if fault.retry_after_seconds is None and reason in _LONG_LIMITS:
            fault.retry_after_seconds = _LONG_SECONDS
    return fault


def read_retry_after(value: str | None) -> float | None:
    """Return the seconds of a `Retry-After` (seconds or a date); None where it says nothing."""
    if value is None:
        return None
    text = value.strip()
    if text.isdigit():
        return float(text)
    try:
        instant = parsedate_to_datetime(text)
    except ValueError:
        return None
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    return max(0.0, (instant - datetime.now(UTC)).total_seconds())


def _read_reason(body: bytes) -> tuple[str, str, str]:
    """Return reason, location (the parameter that is wrong) and message; '' where not said."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return "", "", ""
    error = document.get("error") if isinstance(document, dict) else None
    if not isinstance(error, dict):
        return "", "", ""
    listed = error.get("errors")
    first: dict[str, Any] = listed[0] if isinstance(listed, list) and listed else {}
    message = str(error.get("message", ""))[:_MESSAGE_LENGTH]
    return str(first.get("reason", "")), str(first.get("location", "")), message
