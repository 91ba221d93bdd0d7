"""From the body of a batch to its jobs' bodies; what is wrong with one points into the batch."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter, ValidationError

from comfyhoused.api.batch_schemas import BatchRequest
from comfyhoused.api.job_bodies import JobBody
from comfyhoused.api.problems import make_field_error
from comfyhoused.api.proposals.propose import JobRequest
from comfyhoused.kit.errors import ComfyhouseError, FieldError, TooLarge, Unprocessable

MOST_ERRORS = 50
#: Of a template, written out for each of the inputs: what it brings along is brought each time.
MOST_CHARACTERS = 30_000_000

_ADAPTER: TypeAdapter[JobRequest] = TypeAdapter(JobBody)


class BatchRefused(Unprocessable):
    """One of the jobs cannot be accepted, and so none is; `errors` says which and why."""

    code = "batch_refused"
    title = "A job of the batch cannot be accepted"


class BatchTooLarge(TooLarge):
    """Template times inputs is more than one batch may hold.

    Upload pictures once with POST /files and name them by their ids, register large workflows,
    or send several batches.
    """

    code = "batch_too_large"
    title = "The batch is too large when it is written out"


@dataclass
class Faults:
    """What is wrong with the jobs of a batch."""

    request: BatchRequest
    errors: list[FieldError] = field(default_factory=list)

    @property
    def is_enough(self) -> bool:
        """Tell whether there are as many as one answer holds."""
        return len(self.errors) >= MOST_ERRORS

    def add(self, number: int, error: ComfyhouseError) -> None:
        """Note what a job was refused for."""
        for one in error.errors or [FieldError(detail=error.detail)]:
            self.add_field(number, one)

    def add_field(self, number: int, error: FieldError) -> None:
        """Note one fault; its pointer leads into the job's own body."""
        pointer = locate(self.request, number, error.get("pointer", ""))
        moved = FieldError(**{**error, "pointer": pointer})
        if moved not in self.errors:  # what is wrong with the template is wrong in every job
            self.errors.append(moved)

    def check(self) -> None:
        """Raise BatchRefused where anything is wrong."""
        if self.errors:
            first = self.errors[0]
            detail = f"{first.get('pointer', '')} {first['detail']}"
            raise BatchRefused(detail, errors=self.errors[:MOST_ERRORS])


def list_requests(request: BatchRequest) -> Sequence[JobRequest]:
    """Return the jobs' bodies; raises BatchRefused for what the template and an input make.

    Raises BatchTooLarge, too: a small request must not become gigabytes.
    """
    if request.jobs is not None:
        return request.jobs
    _check_size(request)
    faults = Faults(request)
    found: list[JobRequest] = []
    for number, inputs in enumerate(request.inputs or []):
        try:
            found.append(_ADAPTER.validate_python(merge(request.template or {}, inputs)))
        except ValidationError as error:
            for fault in error.errors()[:MOST_ERRORS]:
                located = {**fault, "loc": ("body", *fault["loc"])}
                faults.add_field(number, make_field_error(located))
            if faults.is_enough:
                break
    faults.check()
    return found


def _check_size(request: BatchRequest) -> None:
    count = len(request.inputs or [])
    characters = len(json.dumps(request.template)) * count
    if characters > MOST_CHARACTERS:
        raise BatchTooLarge(
            f"The template for each of {count:,} inputs makes {characters:,} characters; "
            f"{MOST_CHARACTERS:,} are the most."
        )


def merge(base: Any, patch: Any) -> Any:
    """Return the base with the patch merged in, as RFC 7396 says; neither is changed."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(base) if isinstance(base, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge(merged.get(name), value)
    return merged


def locate(request: BatchRequest, number: int, pointer: str) -> str:
    """Return where in the batch a job's fault lies: in `jobs`, in its inputs, or the template."""
    if request.jobs is not None:
        return f"/jobs/{number}{pointer}"
    name = pointer.split("/")[1] if "/" in pointer else ""
    inputs = (request.inputs or [])[number]
    if name in inputs or name not in (request.template or {}):
        return f"/inputs/{number}{pointer}"
    return f"/template{pointer}"
