"""The fields of a form that is built from declared inputs, and what was filled into them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from comfyhoused.kit.errors import FieldError

ControlKind = Literal["text", "line", "number", "choice", "switch", "picture"]
#: In a form the name of an input stands behind this, so that it meets no name of the form's own.
PREFIX = "input."


@dataclass(frozen=True, slots=True)
class Control:
    """One input. `pointer` is how the API names it when it refuses it; `value` is shown first.

    An empty field is left out of the request, so that the API's own default counts.
    """

    name: str
    kind: ControlKind
    pointer: str
    label: str = ""
    hint: str = ""
    is_required: bool = False
    is_extra: bool = False
    value: str = ""
    placeholder: str = ""
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    is_whole: bool = False
    choices: tuple[str, ...] = ()
    longest: int | None = None

    @property
    def field(self) -> str:
        """Its name in the form."""
        return PREFIX + self.name


def read_values(
    controls: Sequence[Control], form: Mapping[str, str]
) -> tuple[dict[str, Any], list[FieldError]]:
    """Return the values of the filled fields as JSON has them, and what cannot be read.

    Whether a value is allowed is for the API to say; here text only becomes a number.
    """
    values: dict[str, Any] = {}
    faults: list[FieldError] = []
    for control in controls:
        text = form.get(control.field, "").strip()
        if control.kind == "switch":
            values[control.name] = bool(text)
        elif control.kind == "number" and text:
            number = _read_number(text, is_whole=control.is_whole)
            if number is None:
                what = "a whole number" if control.is_whole else "a number"
                faults.append(FieldError(pointer=control.pointer, detail=f"This is not {what}."))
            else:
                values[control.name] = number
        elif text:
            values[control.name] = text
        elif control.is_required:
            faults.append(FieldError(pointer=control.pointer, detail="This is needed."))
    return values, faults


def _read_number(text: str, *, is_whole: bool) -> float | int | None:
    digits = text.replace(" ", "").replace("\u202f", "")
    try:
        if is_whole or digits.lstrip("+-").isdecimal():
            return int(digits) if len(digits) < 20 else None
        number = float(digits)
    except ValueError:
        return None
    return number if abs(number) < 1e300 else None  # nor infinity, nor what is no number
