"""One value for one declared input: is it what was declared?"""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from comfyhoused.core.workflows.catalogue import Catalogue
from comfyhoused.core.workflows.graph import Scalar
from comfyhoused.core.workflows.inputs import InputSpec
from comfyhoused.core.workflows.quoting import find_text_fault, quote
from comfyhoused.core.workflows.registered.definition import LARGEST_SEED, DeclaredInput
from comfyhoused.core.workflows.values import BadValue, read_value

_SPEC_TYPES = {
    "integer": "INT",
    "number": "FLOAT",
    "boolean": "BOOLEAN",
    "seed": "INT",
    "choice": "COMBO",
    "model": "COMBO",
}
_LONGEST_TEXT = 100_000


def read_input(declared: DeclaredInput, value: object, choices: Sequence[Scalar]) -> Scalar:
    """Return the value as it goes into the graph; a picture's text as it was sent.

    Exactly what the published schema says, so that a text is never taken for a number.
    Raises BadValue.
    """
    if declared.is_picture or declared.type == "text":
        return _read_text(declared, value)
    if isinstance(value, str) and declared.type not in ("choice", "model"):
        raise BadValue(f"needs {_NEEDS[declared.type]}, not text")
    if declared.type == "model":
        value = _complete_name(value, choices)
    spec = InputSpec(
        type=_SPEC_TYPES[declared.type],
        required=True,
        choices=tuple(choices) if declared.type in ("choice", "model") else None,
        minimum=0 if declared.type == "seed" and declared.minimum is None else declared.minimum,
        maximum=LARGEST_SEED
        if declared.type == "seed" and declared.maximum is None
        else declared.maximum,
    )
    read = read_value(spec, value, _LONGEST_TEXT)
    assert isinstance(read, str | int | float)
    _check_step(declared, read)
    return read


_NEEDS = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "seed": "a whole number or null",
}


def find_choices(
    declared: DeclaredInput, catalogues: Iterable[Catalogue], graph: object
) -> tuple[Scalar, ...]:
    """Return what may be chosen: the declared choices, else what any server offers just now."""
    if declared.choices is not None:
        return declared.choices
    assert isinstance(graph, dict)
    found: dict[Scalar, None] = {}
    for catalogue in catalogues:
        offered = [
            catalogue.find_scalar_choices(graph[one.node_id]["class_type"], one.field)
            for one in declared.targets
        ]
        found.update((one, None) for one in offered[0] if all(one in more for more in offered[1:]))
    return tuple(found)


def _read_text(declared: DeclaredInput, value: object) -> str:
    if not isinstance(value, str):
        needs = "a file id, an https address or a data URI" if declared.is_picture else "text"
        raise BadValue(f"needs {needs}, not {_name_kind(value)}")
    if declared.is_picture:
        return value
    fault = find_text_fault(value, declared.max_length or _LONGEST_TEXT)
    if fault is not None:
        raise BadValue(fault)
    return value


def _name_kind(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool | int | float):
        return quote(value)
    return "an object" if isinstance(value, dict) else "a list"


def _complete_name(value: object, choices: Sequence[Scalar]) -> object:
    """A model may be named without the ending of its file, as in `model` of generate."""
    if value in choices or not isinstance(value, str):
        return value
    same = [one for one in choices if isinstance(one, str) and one.rpartition(".")[0] == value]
    return same[0] if len(same) == 1 else value


def _check_step(declared: DeclaredInput, value: Scalar) -> None:
    if declared.step is None or isinstance(value, str):
        return
    # As decimals: 0.3 is a multiple of 0.1 for everybody but a binary computer.
    if Decimal(str(value)) % Decimal(str(declared.step)):
        raise BadValue(f"must be divisible by {declared.step:g}, not {quote(value)}")
