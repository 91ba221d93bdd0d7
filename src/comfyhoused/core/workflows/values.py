"""One value of one input: is it what the node takes? Stricter than ComfyUI, never laxer."""

import math
import re
from collections.abc import Sequence

from comfyhoused.core.workflows.files import is_file_ref
from comfyhoused.core.workflows.graph import Scalar, Value
from comfyhoused.core.workflows.inputs import SCALAR_TYPES, InputSpec
from comfyhoused.core.workflows.quoting import find_text_fault, quote

MOST_CHOICES_SHOWN = 50
_WHOLE = re.compile(r"[+-]?[0-9]{1,20}")
_DECIMAL = re.compile(r"[+-]?([0-9]{1,20}\.?[0-9]{0,20}|\.[0-9]{1,20})([eE][+-]?[0-9]{1,3})?")
_LARGEST = 1 << 64
_EXACT_FLOAT = 1 << 53


class BadValue(Exception):
    """The value is not what the input takes; `allowed` lists what is, where that is a list."""

    def __init__(self, detail: str, allowed: Sequence[object] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.allowed = allowed


def read_value(spec: InputSpec, value: object, longest_text: int) -> Value:
    """Return the value as it will be sent (numbers written as text become numbers).

    Links are not for here. Raises BadValue.
    """
    if spec.is_file:
        return _read_file(value)
    if spec.type not in SCALAR_TYPES:
        raise BadValue(f'needs a link to a node that gives {quote(spec.type)}: ["node id", 0]')
    if not isinstance(value, str | int | float):
        raise BadValue(f"needs {_NEEDS[spec.type]}, not {_name_kind(value)}")
    if isinstance(value, str):
        fault = find_text_fault(value, longest_text)
        if fault is not None:
            raise BadValue(fault)
    return _read_scalar(spec, value)


def _read_scalar(spec: InputSpec, value: Scalar) -> Scalar:
    if spec.type == "COMBO":
        return _read_choice(spec, value)
    if spec.type == "BOOLEAN":
        return _read_boolean(value)
    if spec.type == "STRING":
        return _read_text(value)
    number = _read_whole(value) if spec.type == "INT" else _read_decimal(value)
    _check_range(spec, number)
    return number


_NEEDS = {
    "INT": "a whole number",
    "FLOAT": "a number",
    "STRING": "text",
    "BOOLEAN": "true or false",
    "COMBO": "one of its choices",
}


def _name_kind(value: object) -> str:
    if value is None:
        return "null"
    return (
        "an object" if isinstance(value, dict) else "a list" if isinstance(value, list) else "that"
    )


def _read_file(value: object) -> dict[str, str]:
    if is_file_ref(value):
        return {"file_id": value["file_id"]}
    raise BadValue(
        'names a file: upload it with POST /api/v1/files and write {"file_id": "file_…"}; '
        "names on the server are not taken"
    )


def _read_whole(value: Scalar) -> int:
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip(" ")):
        return int(value)
    if isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT_FLOAT:
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise BadValue(f"needs a whole number, not {quote(value)}")


def _read_decimal(value: Scalar) -> float | int:
    if isinstance(value, str) and _DECIMAL.fullmatch(value.strip(" ")):
        value = float(value)
    if isinstance(value, bool | str):
        raise BadValue(f"needs a number, not {quote(value)}")
    if isinstance(value, float) and not math.isfinite(value):
        raise BadValue("needs a finite number; NaN and Infinity are none")
    return value


def _check_range(spec: InputSpec, number: float | int) -> None:
    low, high = spec.minimum, spec.maximum
    if abs(number) > _LARGEST and (low is None or high is None):
        raise BadValue("is too large a number")
    if low is not None and number < low:
        raise BadValue(f"{quote(number)} is less than the smallest allowed, {low}")
    if high is not None and number > high:
        raise BadValue(f"{quote(number)} is more than the largest allowed, {high}")


def _read_text(value: Scalar) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or abs(value) > _LARGEST or not math.isfinite(value):
        raise BadValue(f"needs text, not {quote(value)}")
    return str(value)


def _read_boolean(value: Scalar) -> bool:
    # ComfyUI calls bool(): the text "false" would be true there.
    if isinstance(value, bool) or (type(value) is int and value in (0, 1)):
        return bool(value)
    raise BadValue(f"needs true or false, not {quote(value)}")


def _read_choice(spec: InputSpec, value: Scalar) -> Scalar:
    if spec.choices is None:
        raise BadValue("takes choices that the server does not list, so none can be checked")
    for choice in spec.choices:
        if choice == value and isinstance(choice, bool) == isinstance(value, bool):
            return choice
    if not spec.choices:
        raise BadValue("this server has nothing to choose from here", allowed=())
    shown = spec.choices[:MOST_CHOICES_SHOWN]
    rest = len(spec.choices) - len(shown)
    more = f"; {rest} more are not shown" if rest else ""
    raise BadValue(f"{quote(value)} is not one of the choices{more}", allowed=shown)
