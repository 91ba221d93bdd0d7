"""The one composition root: what a process of the house holds, built from the settings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from comfyhoused.adapters.mail.smtp import MailServer
from comfyhoused.adapters.moderation.command import CommandModerator
from comfyhoused.adapters.moderation.http import HttpModerator
from comfyhoused.adapters.moderation.moderator import Moderator
from comfyhoused.adapters.redis.client import Store, StoreUnavailable, open_store
from comfyhoused.adapters.redis.durability import find_weaknesses, is_cluster
from comfyhoused.adapters.redis.schema import SCHEMA, get_schema
from comfyhoused.adapters.storage.local import LocalStorage
from comfyhoused.adapters.storage.s3 import Bucket, S3Storage
from comfyhoused.adapters.storage.storage import Storage
from comfyhoused.fitness import find_unfit_settings
from comfyhoused.kit.http.errors import UrlRefused
from comfyhoused.kit.http.guard import Guard, make_guard
from comfyhoused.kit.log import get_logger
from comfyhoused.settings import Settings

log = get_logger(__name__)


class UnfitHouse(Exception):
    """The house must not be opened like this; the message lists every reason."""


@dataclass(frozen=True, slots=True)
class Resources:
    """Settings, the store of jobs, the storage of files, the guard of customers' addresses.

    `moderator` is the operator's judge of content, `mail_server` theirs; None: there is none.
    """

    settings: Settings
    store: Store
    storage: Storage
    guard: Guard
    mail_server: MailServer | None = None
    moderator: Moderator | None = None

    @property
    def spool_dir(self) -> Path:
        """A folder on a real disk for files on their way."""
        return self.settings.house.data_dir / "spool"


def make_storage(settings: Settings) -> Storage:
    """Return S3 where a bucket is named, else the local disk."""
    s3 = settings.storage
    if s3.s3_bucket is None:
        secret = settings.house.secret.get_secret_value().encode()
        return LocalStorage(settings.house.data_dir / "files", secret)
    if s3.s3_endpoint is None or s3.s3_access_key is None or s3.s3_secret_key is None:
        raise UnfitHouse("CH_S3_BUCKET needs CH_S3_ENDPOINT, CH_S3_ACCESS_KEY, CH_S3_SECRET_KEY.")
    bucket = Bucket(
        name=s3.s3_bucket,
        endpoint=s3.s3_endpoint,
        region=s3.s3_region,
        access_key=s3.s3_access_key.get_secret_value(),
        secret_key=s3.s3_secret_key.get_secret_value(),
        public_endpoint=s3.s3_public_endpoint,
    )
    return S3Storage(bucket)


def make_mail_server(settings: Settings) -> MailServer | None:
    """Return the mail server; None where none is named."""
    mail = settings.mail
    if mail.smtp_host is None:
        return None
    return MailServer(
        host=mail.smtp_host,
        port=mail.smtp_port,
        sender=mail.smtp_from,
        tls=mail.smtp_tls,
        user=mail.smtp_user,
        password=mail.smtp_password.get_secret_value() if mail.smtp_password else None,
    )


def make_moderator(settings: Settings) -> Moderator | None:
    """Return the operator's judge of content; None where none is named."""
    moderation = settings.moderation
    seconds = moderation.moderation_timeout_seconds
    if moderation.moderation_command is not None:
        return CommandModerator(moderation.moderation_command, seconds)
    if moderation.moderation_url is None:
        return None
    secret = moderation.moderation_secret
    try:
        return HttpModerator(
            moderation.moderation_url, secret.get_secret_value() if secret else None, seconds
        )
    except UrlRefused as error:
        raise UnfitHouse(f"CH_MODERATION_URL: {error.detail}") from error


def get_redis_url(settings: Settings) -> str:
    """Return the address of the store; raises UnfitHouse where none is known."""
    if settings.redis.redis_url is None:
        raise UnfitHouse("CH_REDIS_URL is not set. `comfyhoused up` starts a bundled Valkey.")
    return settings.redis.redis_url


@asynccontextmanager
async def open_resources(
    settings: Settings, *, needs_store: bool = True
) -> AsyncIterator[Resources]:
    """Open what a process needs, check that it is fit, and close it in the end.

    Production refuses a development secret and a lossy store, all reasons at once;
    development warns. Raises UnfitHouse, and StoreUnavailable unless the process can begin
    without the store: then `check_fitness` is due when the store is there.
    """
    store = open_store(get_redis_url(settings))
    guard = make_guard(settings.outbound)
    resources = Resources(
        settings,
        store,
        make_storage(settings),
        guard,
        make_mail_server(settings),
        make_moderator(settings),
    )
    resources.spool_dir.mkdir(parents=True, exist_ok=True)
    try:
        if needs_store:
            await check_fitness(resources)
        yield resources
    finally:
        await store.aclose()


async def check_fitness(resources: Resources) -> None:
    """Raise UnfitHouse with every reason in production; warn in development.

    A Redis that we cannot work with at all is refused in either. Production does not wait for one
    that is away (StoreUnavailable) with settings that it refuses.
    """
    is_production = resources.settings.house.mode == "production"
    reasons = list(find_unfit_settings(resources.settings))
    try:
        await _check_usable(resources.store)
        weaknesses = await find_weaknesses(resources.store)
        reasons = [f"Redis: {weakness}" for weakness in weaknesses] + reasons
    except StoreUnavailable:
        if not (reasons and is_production):
            raise
    if reasons and is_production:
        raise UnfitHouse("Not fit for production:\n- " + "\n- ".join(reasons))
    for reason in reasons:
        log.warning("development only: %s", reason)


async def _check_usable(store: Store) -> None:
    if await is_cluster(store):
        raise UnfitHouse("Redis is a Cluster; our scripts need one server.")
    schema = await get_schema(store)
    if schema > SCHEMA:
        raise UnfitHouse(
            f"The data in Redis is of version {schema}, which a newer Comfyhouse has written; "
            f"this one knows version {SCHEMA}. Nothing was changed."
        )
