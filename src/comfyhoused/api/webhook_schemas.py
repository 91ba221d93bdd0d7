"""What `/webhooks` reads and answers."""

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from comfyhoused.api.request_bodies import PlainText, RequestBody
from comfyhoused.api.webhook_events import EventType
from comfyhoused.core.webhooks.deliveries import DeliveryState

_URL = "https://example.com/hooks/comfyhouse"
_Url = Annotated[PlainText, Field(min_length=1, max_length=2048)]
_Description = Annotated[PlainText, Field(max_length=500)]
_Events = Annotated[list[EventType], Field(max_length=20)]


class EndpointRequest(RequestBody):
    """A place of yours that is told what happens."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"url": _URL, "events": ["job.succeeded", "job.failed"]}]}
    )

    url: _Url = Field(description="https, on a public server; ports 443, 4443, 8443, 9443")
    description: _Description = ""
    events: _Events = Field([], description="types it is told of; none: all, new ones too")


class EndpointChange(RequestBody):
    """What is to be changed; the rest stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"enabled": True}]})

    url: _Url | None = None
    description: _Description | None = None
    events: _Events | None = None
    enabled: bool | None = Field(None, description="true also forgets old failures")


class RotateSecretRequest(RequestBody):
    """How long both secrets sign."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"overlap_hours": 24}]})

    overlap_hours: float = Field(
        24, ge=0, le=7 * 24, description="so long the old secret signs beside the new"
    )

    @property
    def overlap_seconds(self) -> int:
        """The overlap in whole seconds."""
        return round(self.overlap_hours * 3600)


class ReplayRequest(RequestBody):
    """A stretch of time whose events are sent again."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"since": "2026-11-20T00:00:00Z", "until": "2026-11-21T00:00:00Z"}]
        }
    )

    since: AwareDatetime = Field(description="at the earliest what the log still holds")
    until: AwareDatetime | None = Field(None, description="default: now")
    only_missed: bool = Field(True, description="false: also what was accepted before")


class EndpointResponse(BaseModel):
    """A webhook endpoint."""

    endpoint_id: str = Field(examples=["whe_4q8d1n5t6v7w2x3y"])
    url: str = Field(examples=[_URL])
    description: str
    events: list[str] = Field(description="none: all")
    enabled: bool
    disabled_reason: str | None = Field(
        description="gone: it answered 410; failing: for days; null: you did, or it is enabled"
    )
    failing_since: datetime | None = Field(description="null: the latest try succeeded")
    delivered_at: datetime | None = Field(description="the latest success")
    created_at: datetime


class EndpointCreated(EndpointResponse):
    """A new endpoint and the secret that signs for it."""

    secret: str = Field(examples=["whsec_bm90IGEgc2VjcmV0LCBvbmx5IGFuIGV4YW1wbGUhISE="])


class EndpointList(BaseModel):
    """All your endpoints, the oldest first."""

    endpoints: list[EndpointResponse]


class SecretResponse(BaseModel):
    """A secret that signs now."""

    secret: str
    expires_at: datetime | None = Field(description="set on the older one of a rotation")


class SecretList(BaseModel):
    """What signs now, the newest first. During a rotation there are two."""

    secrets: list[SecretResponse]


class AttemptResponse(BaseModel):
    """One try. `status` null: no answer came, and `error_code` says why."""

    number: int
    at: datetime
    status: int | None
    error_code: str | None = Field(examples=["url_timed_out"])
    detail: str | None
    duration_seconds: float
    answer: str = Field(description="the first 2,000 characters of what the receiver answered")


class DeliveryResponse(BaseModel):
    """One event on its way to one place."""

    delivery_id: str = Field(examples=["dlv_0a1b2c3d4e5f6a7b8c9d0e"])
    event_id: str = Field(description="the `webhook-id` of every try")
    type: str = Field(examples=["job.succeeded"])
    endpoint_id: str | None = Field(description="null: the job's own `webhook_url`")
    url: str | None = Field(description="the job's own `webhook_url`")
    status: DeliveryState
    reason: str | None = Field(
        description="why it ended: exhausted, gone, endpoint_disabled, endpoint_deleted, "
        "erased, plan_lacks_feature"
    )
    attempts: int
    created_at: datetime
    next_attempt_at: datetime | None
    ended_at: datetime | None


class DeliveryDetail(DeliveryResponse):
    """A delivery with what was sent and what came back."""

    request_body: str | None = Field(description="of the latest try; null: none yet, or erased")
    log: list[AttemptResponse] = Field(description="every try, the first one first")


class DeliveryList(BaseModel):
    """A page of deliveries, newest first."""

    deliveries: list[DeliveryResponse]
    next_cursor: str | None = Field(
        description="send it as `cursor` for the next page, however short this one is; null: "
        "there is no more"
    )


class ReplayResponse(BaseModel):
    """How many events are sent again."""

    sent: int
    complete: bool = Field(description="false: there were more; ask again with a later `since`")
