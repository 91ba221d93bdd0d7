"""The inputs of a template as JSON Schema, from the request's own schema and the real choices."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from comfyhoused.api.job_requests import GenerateRequest, UpscaleRequest
from comfyhoused.core.workflows.parameters import InvalidParameters
from comfyhoused.core.workflows.templates import TEMPLATES, Template
from comfyhoused.kit.errors import FieldError, NotFound

_PICTURES = ("init_image", "mask_image", "control_image", "image")


class TemplateNotFound(NotFound):
    """No template has this name."""

    code = "template_not_found"
    title = "There is no such template"


def get_template(name: str) -> Template:
    """Return the template; raises TemplateNotFound, which names those there are."""
    if name not in TEMPLATES:
        raise TemplateNotFound(f"No template {name[:64]!r}. There are: {', '.join(TEMPLATES)}.")
    return TEMPLATES[name]


def read_template_inputs(
    name: str, inputs: Mapping[str, Any], *, root: str = ""
) -> GenerateRequest | UpscaleRequest:
    """Return the request that a template's inputs make; what any job may carry is taken as well.

    Pointers begin with `root`. Raises TemplateNotFound and InvalidParameters.
    """
    template = get_template(name)
    missing = [
        FieldError(pointer=f"{root}/{field}", detail=f"{field} is missing")
        for field in template.required
        if inputs.get(field) is None
    ]
    if missing:
        raise InvalidParameters(missing[0]["detail"], errors=missing)
    model = _get_request_model(template)
    try:
        return model.model_validate(inputs)
    except ValidationError as error:
        faults = [
            FieldError(
                pointer=root + "".join(f"/{step}" for step in fault["loc"]), detail=fault["msg"]
            )
            for fault in error.errors(include_url=False, include_input=False, include_context=False)
        ]
        raise InvalidParameters(faults[0]["detail"], errors=faults[:50]) from error


def make_input_schema(
    template: Template, choices: Mapping[str, Sequence[str]], loras: Sequence[str]
) -> dict[str, Any]:
    """Return the JSON Schema of the template's inputs; `choices` limits fields by name."""
    whole = _get_request_model(template).model_json_schema()
    fields = {name: _flatten(whole["properties"][name]) for name in template.inputs}
    for name, allowed in choices.items():
        if name in fields and allowed:
            fields[name]["enum"] = list(allowed)
    for name in _PICTURES:
        if name in fields:
            fields[name]["contentMediaType"] = "image/*"
    if "loras" in fields:
        fields["loras"]["items"] = _make_lora_schema(whole["$defs"]["LoraRequest"], loras)
    return {
        "type": "object",
        "title": template.title,
        "properties": fields,
        "required": list(template.required),
        "additionalProperties": False,
    }


def _get_request_model(template: Template) -> type[GenerateRequest] | type[UpscaleRequest]:
    return UpscaleRequest if template.name == "upscale" else GenerateRequest


def _flatten(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out the null that only says that a field may be left out."""
    flat = {key: value for key, value in schema.items() if key != "anyOf"}
    if flat.get("default", 0) is None:
        del flat["default"]
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    return (
        {**kinds[0], **flat} if len(kinds) == 1 else {**flat, **({"anyOf": kinds} if kinds else {})}
    )


def _make_lora_schema(schema: Mapping[str, Any], loras: Sequence[str]) -> dict[str, Any]:
    name = {**schema["properties"]["name"], "enum": list(loras)}
    return {**schema, "properties": {**schema["properties"], "name": name}}
