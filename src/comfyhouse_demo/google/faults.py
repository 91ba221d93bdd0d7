"""Failures on demand: `POST /_demo/faults` plans them, each for so many requests that match."""

import re
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from aiohttp import web

from comfyhouse_demo.google.failures import Refusal

Action = Literal["refuse", "drop", "lose", "cut"]


@dataclass(slots=True)
class Fault:
    """What happens to the next `times` requests of that method whose path and query match.

    `refuse`: the status and reason are answered, nothing is done. `drop`: the connection ends,
    nothing is done. `lose`: it is done, and the connection ends without an answer. `cut`: the
    answer's body ends after `cut_bytes`. `skip`: so many matching requests pass before.
    """

    path: str = ""
    method: str = ""
    action: Action = "refuse"
    status: int = 503
    reason: str = "backendError"
    message: str = "Asked for by the demo."
    retry_after: str = ""
    times: int = 1
    skip: int = 0
    cut_bytes: int = 0
    hits: int = 0

    def matches(self, request: web.BaseRequest) -> bool:
        """Tell whether the request is meant."""
        if self.method and self.method != request.method:
            return False
        return re.search(self.path, request.path_qs) is not None

    def make_refusal(self) -> Refusal:
        """Return the answer of `refuse`."""
        domain = "usageLimits" if "imit" in self.reason else "global"
        return Refusal(
            self.status, self.reason, self.message, domain=domain, retry_after=self.retry_after
        )


@dataclass(slots=True)
class Faults:
    """The faults that are planned."""

    planned: list[Fault] = field(default_factory=list)

    def plan(self, values: dict[str, Any]) -> None:
        """Add one; raises TypeError where a name is unknown."""
        self.planned.append(Fault(**values))

    def clear(self) -> None:
        """Forget all."""
        self.planned.clear()

    def take(self, request: web.BaseRequest) -> Fault | None:
        """Return the fault of this request, if it has one, and count it."""
        for fault in self.planned:
            if fault.times == 0 or not fault.matches(request):
                continue
            if fault.skip:
                fault.skip -= 1
                continue
            fault.times -= 1
            fault.hits += 1
            return fault
        return None

    def list(self) -> list[dict[str, Any]]:
        """Return all, with how often each struck."""
        return [asdict(fault) for fault in self.planned]
