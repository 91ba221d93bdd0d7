"""What every kind of request becomes before it is admitted, or only estimated."""

from dataclasses import dataclass, field
from typing import Any

from comfyhoused.api.job_requests import JobOptions
from comfyhoused.core.jobs.record import JobKind
from comfyhoused.core.workflows.graph import Workflow


@dataclass(frozen=True, slots=True)
class Proposal:
    """A checked request: the graph that would run and the units it may cost at most.

    `template` is what usage is counted by: `text-to-image`, `upscale`, `workflow`, or the name
    of a registered workflow. `parameters` are shown with the job. `carried` are files that came
    inside the request and go with its job. `finish` says what is done to the pictures once they
    are ours (format, quality, watermark); empty: nothing.
    """

    request: JobOptions
    kind: JobKind
    template: str
    workflow: Workflow
    units: int
    model: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    carried: tuple[str, ...] = ()
    finish: dict[str, Any] = field(default_factory=dict)
