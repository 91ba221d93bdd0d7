"""What every request body is: no stray fields, no flood of them, no text that cannot be stored."""

from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    model_validator,
)

from comfyhoused.core.workflows.parameters import LONGEST_PROMPT
from comfyhoused.core.workflows.quoting import find_text_fault

_MOST_FIELDS = 50
_MOST_METADATA = 50


def _check_count(value: Any, most: int) -> Any:
    """Every entry that is wrong costs an error of its own: a million of them take seconds."""
    if isinstance(value, dict) and len(value) > most:
        raise ValueError(f"has {len(value)} entries, more than the {most} allowed")
    return value


class RequestBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _check_size(cls, value: Any) -> Any:
        return _check_count(value, _MOST_FIELDS)


def _check_text(text: str) -> str:
    """JSON can write half a character, which nothing behind us can store."""
    fault = find_text_fault(text, LONGEST_PROMPT)
    if fault is not None:
        raise ValueError(fault)
    return text


PlainText = Annotated[str, AfterValidator(_check_text)]


Metadata = Annotated[
    dict[PlainText, PlainText], BeforeValidator(lambda value: _check_count(value, _MOST_METADATA))
]
