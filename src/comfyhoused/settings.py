"""Settings: the only reader of the environment. Loaded by entry points, frozen, grouped.

Every field has a description; docs/settings.md and .env.example list the same fields
(tests/unit/test_settings_docs.py compares them).
"""

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

DEVELOPMENT_SECRET = "development-secret-not-for-production"  # noqa: S105  refused in production
DEMO_CLIENT_ID = "demo-client.comfyhouse.example"  # of the demo Google; refused in production

_NAME = re.compile(r"(?=.*[a-z])[a-z0-9_-]+(\.[a-z0-9_-]+)*")


class _Group(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="CH_", env_file=".env", extra="ignore", frozen=True, env_ignore_empty=True
    )


class HouseSettings(_Group):
    """What kind of house this is."""

    mode: Literal["development", "production"] = Field(
        "development", description="production refuses development secrets and lossy parts"
    )
    data_dir: Path = Field(Path("var"), description="folder of everything the bundled parts keep")
    secret: SecretStr = Field(
        SecretStr(DEVELOPMENT_SECRET),
        description="signs links, names and webhooks; 32 characters or more; change it and old "
        "links, client tokens and webhook secrets die",
    )
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR")
    plans_file: Path | None = Field(
        None, description="plans of the API product (TOML), laid over ours; docs/api/limits.md"
    )
    models_file: Path | None = Field(
        None,
        description=(
            "families and licences of your models (TOML), before ours; docs/api/pictures.md"
        ),
    )


class HttpSettings(_Group):
    """The web server."""

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8000, ge=0, le=65535, description="port to listen on")
    public_url: str | None = Field(
        None, description="address under which customers reach us; default: http://host:port"
    )
    max_body_bytes: int = Field(10_000_000, gt=0, description="largest JSON body taken")
    max_upload_bytes: int = Field(100_000_000, gt=0, description="largest file taken")
    max_pixels: int = Field(100_000_000, gt=0, description="largest picture taken, width × height")

    @property
    def base_url(self) -> str:
        """The address that customers use."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")


class RedisSettings(_Group):
    """The store of jobs."""

    redis_url: str | None = Field(
        None, repr=False, description="redis://… of a Redis or Valkey; default: the bundled Valkey"
    )


class StorageSettings(_Group):
    """Where files live: S3 where a bucket is named, else the local disk."""

    s3_bucket: str | None = Field(None, description="bucket; setting it switches to S3")
    s3_endpoint: str | None = Field(None, description="address of MinIO or another S3 server")
    s3_region: str = Field("us-east-1", description="region")
    s3_access_key: SecretStr | None = Field(None, description="access key id")
    s3_secret_key: SecretStr | None = Field(None, description="secret access key")
    s3_public_endpoint: str | None = Field(
        None, description="address in the links customers get, where it differs from the endpoint"
    )
    link_seconds: int = Field(3600, gt=0, le=604800, description="how long a file's link is valid")


class FleetSettings(_Group):
    """The ComfyUI servers."""

    comfyui_urls: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="addresses of ComfyUI servers, comma separated; none: the built-in engine"
    )
    engine_url: str | None = Field(
        None, description="address of the built-in engine, which serves test mode; `up` sets it"
    )
    backend_lost_seconds: float = Field(
        30, gt=0, description="an unreachable server is given up after so long"
    )
    post_timeout_seconds: float = Field(3, gt=0, description="time a server has to take a prompt")
    http_timeout_seconds: float = Field(10, gt=0, description="time a server has for other calls")

    @model_validator(mode="before")
    @classmethod
    def _split_urls(cls, values: dict[str, object]) -> dict[str, object]:
        urls = values.get("comfyui_urls")
        if isinstance(urls, str):
            parts = tuple(part.strip().rstrip("/") for part in urls.split(",") if part.strip())
            return {**values, "comfyui_urls": parts}
        return values


class NodeSettings(_Group):
    """Which node classes customers' workflows may use, besides ComfyUI's own audited ones."""

    nodes_allowed: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description=(
            "further node classes, comma separated; `WAS_*` is all that begin so; you vouch for "
            "them: a node may read, write and send whatever the ComfyUI server may"
        ),
    )
    nodes_refused: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="node classes that are refused although they are allowed by default"
    )
    nodes_api: bool = Field(
        False, description="nodes that call paid services of others, at your expense"
    )

    @field_validator("nodes_allowed", "nodes_refused", mode="before")
    @classmethod
    def _split_names(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(part.strip() for part in value.split(",") if part.strip())

    @field_validator("nodes_allowed")
    @classmethod
    def _check_allowed(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if "*" in names:
            raise ValueError("`*` would allow every node, and with it every file of the server")
        return names


class JobSettings(_Group):
    """How jobs are run."""

    lease_seconds: float = Field(8, gt=0, description="a worker that is silent so long loses a job")
    sweep_seconds: float = Field(2, gt=0, description="how often every worker looks for lost jobs")
    job_timeout_seconds: int = Field(600, gt=0, description="default run time limit of a job")
    job_expires_seconds: int = Field(86400, gt=0, description="default limit of waiting in line")
    archive_after_seconds: int = Field(
        86400, gt=0, description="the document of a job that ended so long ago moves to storage"
    )
    job_record_days: int = Field(
        400, gt=0, description="a job that ended so long ago is erased; what it cost stays known"
    )
    max_attempts: int = Field(3, gt=0, description="tries of a job before it is failed")
    sync_wait_seconds: int = Field(60, ge=0, description="how long POST /generate waits by default")


class ModerationSettings(_Group):
    """Your own judge of content; docs/operations/running.md says what it is asked."""

    moderation_url: str | None = Field(None, description="address that each question is posted to")
    moderation_command: str | None = Field(
        None, description="or a program that reads the question and writes the verdict, as JSON"
    )
    moderation_secret: SecretStr | None = Field(
        None, description="sent to the address as `Authorization: Bearer …`"
    )
    moderation_before: bool = Field(True, description="ask before a job is accepted")
    moderation_after: bool = Field(True, description="ask before outputs are handed over")
    moderation_timeout_seconds: float = Field(5, gt=0, description="time for one answer")
    moderation_when_down: Literal["refuse", "allow"] = Field(
        "refuse", description="what happens to content while nobody answers"
    )
    moderation_stop_after: int = Field(
        0, ge=0, description="so many refusals within a day (UTC) stop an account; 0: never"
    )

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if self.moderation_url is not None and self.moderation_command is not None:
            raise ValueError("set CH_MODERATION_URL or CH_MODERATION_COMMAND, not both")
        return self


class OutboundSettings(_Group):
    """Addresses that customers give us, for pictures and for webhooks."""

    outbound_allowed: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description=(
            "names, addresses and networks (nas.local, 10.1.0.0/16), comma separated, that such an "
            "address may lead to although they are not public, by http and on any port too; "
            "whoever has a key can then reach them through us"
        ),
    )
    outbound_http: bool = Field(False, description="plain http on port 80 is allowed as well")
    fetch_timeout_seconds: float = Field(
        20, gt=0, description="time that fetching a picture may take, redirects included"
    )

    @field_validator("outbound_allowed", mode="before")
    @classmethod
    def _split_allowed(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(part.strip().lower() for part in value.split(",") if part.strip())

    @field_validator("outbound_allowed")
    @classmethod
    def _check_allowed(cls, entries: tuple[str, ...]) -> tuple[str, ...]:
        for entry in entries:
            if not _is_network(entry) and not _NAME.fullmatch(entry):
                raise ValueError(f"{entry!r} is neither a name nor an address nor a network")
        return entries


class WebhookSettings(_Group):
    """Telling customers' servers what happened."""

    webhook_timeout_seconds: float = Field(
        15, gt=0, description="time a customer's server has to accept a webhook"
    )
    webhook_log_days: float = Field(
        7, ge=2, description="how long events can be sent again and deliveries be looked at"
    )
    webhook_disable_days: float = Field(
        5, gt=0, description="an endpoint that fails every time for so long is disabled"
    )
    webhook_pace: float = Field(
        1, gt=0, le=1, description="shortens all waits between tries, for tests: 0.001"
    )


class MailSettings(_Group):
    """The mail server, for sign-in links and notices of usage."""

    smtp_host: str | None = Field(
        None, description="mail server; none: development shows sign-in links on the page itself"
    )
    smtp_port: int = Field(587, gt=0, le=65535, description="port of the mail server")
    smtp_user: str | None = Field(None, description="name to log in with")
    smtp_password: SecretStr | None = Field(None, description="password to log in with")
    smtp_tls: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="tls: encrypted from the first byte, usually port 465"
    )
    smtp_from: str = Field(
        "Comfyhouse <no-reply@localhost>", description="sender of our mails; needed in production"
    )


class SignUpSettings(_Group):
    """Who may open an account of the API product without being asked in."""

    sign_up: Literal["open", "closed"] = Field(
        "open", description="closed: only addresses that have an account can sign in"
    )
    sign_up_domains: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="mail domains, comma separated, that may open accounts; none: all may"
    )
    sign_ups_per_hour: int = Field(
        5, ge=0, description="new accounts an hour from one network (/24, or /48 of IPv6)"
    )
    sign_ups_per_day: int = Field(20, ge=0, description="new accounts a day from one network")
    sign_ups_per_domain: int = Field(
        20, ge=0, description="new accounts a day from one mail domain, large providers excepted"
    )

    @field_validator("sign_up_domains", mode="before")
    @classmethod
    def _split_domains(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(part.strip().lower().lstrip("@") for part in value.split(",") if part.strip())


class CreatorSettings(_Group):
    """The second door: photos from folders, edited. It is open where a Postgres is named."""

    database_url: str | None = Field(
        None,
        repr=False,
        description="postgresql://… of a Postgres; `comfyhoused up` starts a bundled one",
    )
    creator_plans_file: Path | None = Field(
        None, description="plans of Creator (TOML), laid over ours; docs/creator/plans.md"
    )
    presets_dir: Path | None = Field(
        None, description="a folder with presets of your own; docs/creator/presets.md"
    )
    local_sources_dir: Path | None = Field(
        None,
        description="a folder (of a NAS, say) whose sub-folders users may choose as sources; "
        "`comfyhoused up` uses photos/ in its data folder",
    )
    poll_seconds: float = Field(
        45, gt=0, le=60, description="how often each source is looked at without being told"
    )
    reconcile_seconds: float = Field(
        3600, gt=0, description="how often each source is listed whole, for what was missed"
    )
    settle_look_seconds: float = Field(
        2, gt=0, description="a file must look the same twice, so far apart, before it is edited"
    )
    vault_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (),
        description="keys that seal Google's tokens, comma separated, each 32 bytes as base64: "
        "the first seals, all open; none: development derives one from CH_SECRET",
    )

    @field_validator("vault_keys", mode="before")
    @classmethod
    def _split_keys(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(part.strip() for part in value.split(",") if part.strip())


class GoogleSettings(_Group):
    """Google as the way in and as a place of photos. A demo stands in for it in `up`."""

    google_client_id: str | None = Field(None, description="OAuth client id of your project")
    google_client_secret: SecretStr | None = Field(None, description="OAuth client secret")
    google_full_drive: bool = Field(
        False,
        description="ask for the whole Drive, so that folders are watched: Google must have "
        "verified your project for that scope; otherwise we see what comes through us",
    )
    google_issuer: str = Field(
        "https://accounts.google.com", description="issuer; its discovery document names the rest"
    )
    google_api_url: str = Field(
        "https://www.googleapis.com", description="address of the Drive API, for a stand-in"
    )
    google_picker_url: str = Field(
        "https://accounts.google.com/o/oauth2/v2/auth",
        description="where folders and photos are picked, for a stand-in",
    )
    google_push: bool = Field(
        True, description="ask Google to call us; needs CH_PUBLIC_URL to be reached by https"
    )


class Settings:
    """All groups. Built once by an entry point and handed down."""

    def __init__(self) -> None:
        self.house = HouseSettings()
        self.http = HttpSettings()
        self.redis = RedisSettings()
        self.storage = StorageSettings()
        self.fleet = FleetSettings()
        self.nodes = NodeSettings()
        self.jobs = JobSettings()
        self.moderation = ModerationSettings()
        self.outbound = OutboundSettings()
        self.webhooks = WebhookSettings()
        self.mail = MailSettings()
        self.sign_up = SignUpSettings()
        self.creator = CreatorSettings()
        self.google = GoogleSettings()

    @classmethod
    def load(cls) -> Self:
        """Read the environment and `.env`; raises pydantic.ValidationError naming each field."""
        return cls()


GROUPS: tuple[type[_Group], ...] = (
    HouseSettings,
    HttpSettings,
    RedisSettings,
    StorageSettings,
    FleetSettings,
    NodeSettings,
    JobSettings,
    ModerationSettings,
    OutboundSettings,
    WebhookSettings,
    MailSettings,
    SignUpSettings,
    CreatorSettings,
    GoogleSettings,
)


def _is_network(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True
