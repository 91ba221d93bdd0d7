# Written from comfyhouse/_async by `make docs`: change it there.
"""What the house offers: models, samplers, templates; and how it is."""

from __future__ import annotations

import builtins

from comfyhouse._sync.transport import Transport
from comfyhouse.errors import ServerUnavailable
from comfyhouse.schema import (
    Health,
    ModelList,
    Readiness,
    SamplerList,
    Template,
    TemplateDetail,
)


class Offers:
    """The resources `/models`, `/samplers`, `/templates`, `/health`, `/ready`, `/metrics`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list_models(self) -> ModelList:
        """Return the model files of the servers, with family and licence."""
        return ModelList.model_validate((self._transport.request("GET", "/models")).json())

    def list_samplers(self) -> SamplerList:
        """Return the samplers and schedulers of the servers."""
        response = self._transport.request("GET", "/samplers")
        return SamplerList.model_validate(response.json())

    def list_templates(self) -> builtins.list[Template]:
        """Return every way to make a picture, and whether it is offered now."""
        body = (self._transport.request("GET", "/templates")).json()
        return [Template.model_validate(one) for one in body["templates"]]

    def get_template(self, name: str) -> TemplateDetail:
        """Return one way to make a picture with its inputs as JSON Schema."""
        response = self._transport.request("GET", f"/templates/{name}")
        return TemplateDetail.model_validate(response.json())

    def get_health(self) -> Health:
        """Return whether the process answers."""
        return Health.model_validate((self._transport.request("GET", "/health")).json())

    def get_readiness(self) -> Readiness:
        """Return how the parts of the house are; also where it is down."""
        try:
            body = (self._transport.request("GET", "/ready")).json()
        except ServerUnavailable as error:
            body = error.problem
        return Readiness.model_validate(body)

    def get_metrics(self) -> str:
        """Return the metrics in Prometheus' text format."""
        return (self._transport.request("GET", "/metrics")).text
