"""Identifiers: a job's is a plain UUID, others carry a prefix where people paste them."""

import secrets
import uuid

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's, lower case: no i, l, o, u


def make_job_id() -> str:
    """Return a new random job id (canonical UUID)."""
    return str(uuid.uuid4())


def make_attempt_id(job_id: str, attempt: int) -> str:
    """Return the prompt id of one attempt: UUIDv5 of the job's id and the attempt's number.

    Derived, so that whoever takes a job over knows under which id a lost worker
    submitted it; canonical, because newer ComfyUI servers insist on that.
    """
    return str(uuid.uuid5(uuid.UUID(job_id), str(attempt)))


def make_id(prefix: str, length: int = 22) -> str:
    """Return `prefix_` and `length` random characters (5 bits each)."""
    return f"{prefix}_{''.join(secrets.choice(_ALPHABET) for _ in range(length))}"


def is_uuid(text: str) -> bool:
    """Tell whether the text is a UUID in canonical form."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False
