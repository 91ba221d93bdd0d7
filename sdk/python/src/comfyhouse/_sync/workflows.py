# Written from comfyhouse/_async by `make docs`: change it there.
"""Registered workflows: a graph with typed inputs, under a name of your own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from comfyhouse._sync.transport import Transport
from comfyhouse.answers import Page, read_page
from comfyhouse.schema import Job, Workflow, WorkflowSummary


class Workflows:
    """The resource `/workflows`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def register(
        self, name: str, workflow: Mapping[str, Any], inputs: Mapping[str, Any], **more: Any
    ) -> Workflow:
        """Register a graph with its inputs; a changed one becomes the next version."""
        body = {"workflow": dict(workflow), "inputs": dict(inputs), **more}
        response = self._transport.request("PUT", f"/workflows/{name}", json=body)
        return Workflow.model_validate(response.json())

    def get(self, name: str, *, version: int | None = None) -> Workflow:
        """Return a workflow, the newest version where none is named."""
        query = {"version": version}
        response = self._transport.request("GET", f"/workflows/{name}", query=query)
        return Workflow.model_validate(response.json())

    def list(self, *, limit: int = 20, cursor: str | None = None) -> Page[WorkflowSummary]:
        """Return one page of workflows."""
        query = {"limit": limit, "cursor": cursor}
        body = (self._transport.request("GET", "/workflows", query=query)).json()
        return read_page(WorkflowSummary, body, "workflows")

    def delete(self, name: str) -> None:
        """Delete a workflow with all its versions; its jobs stay."""
        self._transport.request("DELETE", f"/workflows/{name}")

    def get_schema(self, name: str, *, version: int | None = None) -> dict[str, Any]:
        """Return the JSON Schema of its inputs."""
        return self._get_document(f"/workflows/{name}/schema", version)

    def get_openapi(self, name: str, *, version: int | None = None) -> dict[str, Any]:
        """Return an OpenAPI document of its own."""
        return self._get_document(f"/workflows/{name}/openapi.json", version)

    def run(
        self,
        name: str,
        inputs: Mapping[str, Any],
        *,
        version: int | None = None,
        idempotency_key: str | None = None,
        **options: Any,
    ) -> Job:
        """Submit a job with these inputs and return at once."""
        response = self._transport.request(
            "POST",
            f"/workflows/{name}/jobs",
            json={"inputs": dict(inputs), **options},
            query={"version": version},
            idempotency_key=idempotency_key,
            is_keyed=True,
        )
        return Job.model_validate(response.json())

    def _get_document(self, path: str, version: int | None) -> dict[str, Any]:
        response = self._transport.request("GET", path, query={"version": version})
        document: dict[str, Any] = response.json()
        return document
