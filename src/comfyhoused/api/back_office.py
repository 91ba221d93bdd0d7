"""What rendering and settling need of a house: the web program has it, and so has a worker."""

from dataclasses import dataclass
from typing import Protocol

from comfyhoused.api.plans import PlanBook
from comfyhoused.resources import Resources


class BackOffice(Protocol):
    """The parts of a house that are not about requests."""

    @property
    def resources(self) -> Resources:
        """Settings, store and storage."""
        ...

    @property
    def plans(self) -> PlanBook:
        """The plans of the operator."""
        ...


@dataclass(frozen=True, slots=True)
class WorkerOffice:
    """The back office of a worker."""

    resources: Resources
    plans: PlanBook
