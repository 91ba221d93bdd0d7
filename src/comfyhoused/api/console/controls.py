"""The fields of a form that is built from declared inputs, and what was filled into them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from comfyhoused.kit.errors import FieldError

ControlKind = Literal["text", "line", "number", "choice", "switch", "picture", "loras"]
#: In a form the name of an input stands behind this, so that it meets no name of the form's own.
PREFIX = "input."
#: The text of a switch that is on.
SWITCHED_ON = "true"


@dataclass(frozen=True, slots=True)
class Option:
    """One choice: as the form says it, and as JSON has it."""

    text: str
    value: Any


@dataclass(frozen=True, slots=True)
class Control:
    """One input. `pointer` is how the API names it when it refuses it; `value` is shown first.

    What is empty or as it was is left out of the request: the API's own default counts.
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
    is_whole: bool = False
    options: tuple[Option, ...] = ()
    longest: int | None = None

    @property
    def field(self) -> str:
        """Its name in the form."""
        return PREFIX + self.name


class Unreadable(Exception):
    """What a field holds is not of its kind; the message is for the field."""


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
            text = SWITCHED_ON if text else ""
        if text == control.value and not control.is_required:
            continue
        if control.kind == "switch":
            values[control.name] = bool(text)
        elif text:
            try:
                values[control.name] = _read(control, text)
            except Unreadable as error:
                faults.append(FieldError(pointer=control.pointer, detail=str(error)))
        elif control.is_required:
            faults.append(FieldError(pointer=control.pointer, detail="This is needed."))
    return values, faults


def _read(control: Control, text: str) -> Any:
    if control.kind == "number":
        return _read_number(text, is_whole=control.is_whole)
    if control.kind == "loras":
        return [_read_lora(line) for line in text.splitlines() if line.strip()]
    if control.kind == "choice":
        return next((one.value for one in control.options if one.text == text), text)
    return text


def _read_number(text: str, *, is_whole: bool) -> float | int:
    digits = text.replace(" ", "").replace("\u202f", "")
    try:
        if is_whole or digits.lstrip("+-").isdecimal():
            number: float | int = int(digits[:20])
        else:
            number = float(digits)
    except ValueError as error:
        what = "a whole number" if is_whole else "a number"
        raise Unreadable(f"This is not {what}.") from error
    if not abs(number) < 1e18:  # nor what is no number at all
        raise Unreadable("This number is too large.")
    return number


def _read_lora(line: str) -> dict[str, Any]:
    """Read `name` or `name 0.8`."""
    name, _, strength = line.strip().rpartition(" ")
    if not name:
        return {"name": strength}
    try:
        return {"name": name.strip(), "strength": float(strength)}
    except ValueError:
        return {"name": line.strip()}
