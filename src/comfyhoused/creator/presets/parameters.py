"""Strength and parameters of an edit: checked, completed, and told apart by a digest."""

import json
from collections.abc import Mapping
from typing import Any

from blake3 import blake3

from comfyhoused.creator.presets.preset import FULL_STRENGTH, ParameterValue, Preset
from comfyhoused.kit.errors import FieldError, Unprocessable


class InvalidPresetParameters(Unprocessable):
    """The strength or a parameter of a preset is not one that it has or takes."""

    code = "invalid_preset_parameters"
    title = "The preset cannot be set like that"


def check_parameters(
    preset: Preset, strength: int, parameters: Mapping[str, Any]
) -> dict[str, ParameterValue]:
    """Return every parameter of the preset: as given, else its default.

    Raises InvalidPresetParameters, with pointers such as `/strength` and `/parameters/warmth`.
    """
    errors: list[FieldError] = []
    if isinstance(strength, bool) or not isinstance(strength, int):
        errors.append(FieldError(pointer="/strength", detail="strength must be a whole number"))
    elif not 0 <= strength <= FULL_STRENGTH:
        errors.append(FieldError(pointer="/strength", detail="strength must be from 0 to 100"))
    for name in parameters:
        if preset.find_parameter(name) is None:
            detail = f"{preset.title} has no such parameter"
            errors.append(FieldError(pointer=f"/parameters/{name[:40]}", detail=detail))
    values: dict[str, ParameterValue] = {}
    for one in preset.parameters:
        values[one.name] = parameters.get(one.name, one.default)
        fault = one.find_fault(values[one.name])
        if fault:
            pointer = f"/parameters/{one.name}"
            errors.append(FieldError(pointer=pointer, detail=f"{one.title} {fault}"))
    if errors:
        raise InvalidPresetParameters(f"{errors[0]['detail']}.", errors=errors[:50])
    return values


def make_parameters_digest(strength: int, parameters: Mapping[str, ParameterValue]) -> str:
    """Return a digest (32 hex digits) of strength and checked parameters, whatever their order.

    Together with photo, preset and version it says whether an edit is one that was made before.
    """
    text = json.dumps({"strength": strength, "parameters": dict(parameters)}, sort_keys=True)
    return blake3(text.encode()).hexdigest(length=16)
