"""The application whose OpenAPI document is whole."""

from typing import Any

from fastapi import FastAPI

from comfyhoused.api.problems import ProblemDocument

_TEMPLATE = "#/components/schemas/{model}"


class DocumentedApp(FastAPI):
    """FastAPI, with the schema that every failure is described by.

    Routes only name it (schemas.PROBLEMS): FastAPI takes models for answers in JSON, and
    problems have a media type of their own.
    """

    def openapi(self) -> dict[str, Any]:
        """Return the document; it is made once."""
        document = super().openapi()
        schema = ProblemDocument.model_json_schema(ref_template=_TEMPLATE)
        parts = schema.pop("$defs", {})
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas.update({ProblemDocument.__name__: schema, **parts})
        return document
