"""What every answer has. Unknown fields are kept: a newer server breaks nothing."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

TERMINAL = frozenset({"succeeded", "failed", "canceled", "expired"})


class Answer(BaseModel):
    """The beginning of every answer."""

    model_config = ConfigDict(extra="allow", frozen=True, protected_namespaces=())


class JobAnswer(Answer):
    """What a job can say of itself."""

    @property
    def is_over(self) -> bool:
        """Whether the status will not change any more."""
        return getattr(self, "status", None) in TERMINAL


class Event(Answer):
    """One step of a job or batch: `job.queued`, `job.progress`, `job.succeeded`, …"""

    type: str
    id: str | None = None
    data: dict[str, Any] = Field(default_factory=dict)


Item = TypeVar("Item")


class Page(Answer, Generic[Item]):
    """Some items, newest first, and the cursor of the next page; None: there is no more."""

    items: list[Item]
    next_cursor: str | None = None


def read_page(kind: type[Item], body: dict[str, Any], name: str) -> Page[Item]:
    """Return the page of a listing whose items stand under `name`."""
    return Page[kind](items=body[name], next_cursor=body.get("next_cursor"))  # type: ignore[valid-type]
