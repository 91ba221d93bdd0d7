"""Comfyhouse: pictures from ComfyUI servers in one call.

from comfyhouse import Client

with Client("sk_test_…") as house:
    job = house.generate("fog lifting off three mountain ridges")
    print(job.image_url)
"""

from comfyhouse._async.client import AsyncClient
from comfyhouse._sync.client import Client
from comfyhouse.answers import Event, Page
from comfyhouse.errors import (
    ApiError,
    AuthenticationFailed,
    ComfyhouseError,
    Conflict,
    ConnectionFailed,
    IdempotencyConflict,
    InvalidRequest,
    JobFailed,
    LimitReached,
    NotFound,
    PermissionDenied,
    QuotaExceeded,
    ServerFailed,
    ServerUnavailable,
    SignatureInvalid,
    SpendCapReached,
)
from comfyhouse.retries import RetryPolicy
from comfyhouse.schema import File, Image, Job, Output
from comfyhouse.version import VERSION as __version__
from comfyhouse.webhooks import verify_webhook

__all__ = [
    "ApiError",
    "AsyncClient",
    "AuthenticationFailed",
    "Client",
    "ComfyhouseError",
    "Conflict",
    "ConnectionFailed",
    "Event",
    "File",
    "IdempotencyConflict",
    "Image",
    "InvalidRequest",
    "Job",
    "JobFailed",
    "LimitReached",
    "NotFound",
    "Output",
    "Page",
    "PermissionDenied",
    "QuotaExceeded",
    "RetryPolicy",
    "ServerFailed",
    "ServerUnavailable",
    "SignatureInvalid",
    "SpendCapReached",
    "__version__",
    "verify_webhook",
]
