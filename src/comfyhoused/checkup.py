"""What `comfyhoused doctor` and `comfyhoused backends` look at."""

from dataclasses import dataclass

from comfyhoused.adapters.postgres.database import DatabaseUnavailable
from comfyhoused.adapters.postgres.durability import find_weaknesses as find_database_weaknesses
from comfyhoused.adapters.redis.client import Store, StoreUnavailable, open_store
from comfyhoused.adapters.redis.durability import find_weaknesses
from comfyhoused.adapters.storage.storage import StorageUnavailable
from comfyhoused.core.fleet.backends import BackendStatus, list_statuses
from comfyhoused.core.workflows.audited_nodes import AUDITED, REFUSED
from comfyhoused.creator.opening import make_database
from comfyhoused.creator.schema import UnfitSchema, check_schema
from comfyhoused.resources import get_redis_url, make_storage
from comfyhoused.settings import DEVELOPMENT_SECRET, Settings

_GUARANTEES = {
    "fence": "an attempt never runs twice (node pack present)",
    "lease": "an attempt could run twice when an answer is lost; "
    "`comfyhoused nodes install PATH` rules that out",
}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    is_wrong: bool
    detail: str

    def __str__(self) -> str:
        return f"{'WRONG' if self.is_wrong else 'ok':<7}{self.subject:<10}{self.detail}"


async def list_findings(settings: Settings) -> list[Finding]:
    """Look at the secret, Redis, Postgres, files and the backends; nothing is changed."""
    store = open_store(get_redis_url(settings))
    try:
        redis = await _check_redis(store)
        fleet = [] if redis[0].is_wrong else await _check_backends(store)
        storage = await _check_storage(settings)
        database = await _check_database(settings)
        own = [_check_secret(settings), *redis, *database, storage, _check_mail(settings)]
        rules = [*_list_node_policy(settings), _describe_moderation(settings)]
        return [*own, *rules, *fleet]
    finally:
        await store.aclose()


async def list_backend_lines(store: Store) -> list[str]:
    """Return one line a backend."""
    statuses = await list_statuses(store)
    return [_describe(status) for status in statuses] or ["No worker has reported a backend yet."]


def _check_secret(settings: Settings) -> Finding:
    is_own = settings.house.secret.get_secret_value() != DEVELOPMENT_SECRET
    if is_own:
        return Finding("secret", False, "CH_SECRET is your own")
    is_wrong = settings.house.mode == "production"
    return Finding("secret", is_wrong, "CH_SECRET is the one of development")


async def _check_redis(store: Store) -> list[Finding]:
    try:
        weaknesses = await find_weaknesses(store)
    except StoreUnavailable:
        return [Finding("redis", True, "it does not answer; see CH_REDIS_URL")]
    if not weaknesses:
        return [Finding("redis", False, "it keeps what it has answered")]
    return [Finding("redis", True, weakness) for weakness in weaknesses]


async def _check_database(settings: Settings) -> list[Finding]:
    database = make_database(settings)
    if database is None:
        return [Finding("postgres", False, "none: Creator is not set up here")]
    try:
        await check_schema(database)
        weaknesses = await find_database_weaknesses(database)
    except DatabaseUnavailable:
        return [Finding("postgres", True, "it does not answer; see CH_DATABASE_URL")]
    except UnfitSchema as error:
        return [Finding("postgres", True, str(error))]
    finally:
        await database.aclose()
    if not weaknesses:
        return [Finding("postgres", False, "it keeps what it commits, and is of this version")]
    return [Finding("postgres", True, weakness) for weakness in weaknesses]


async def _check_storage(settings: Settings) -> Finding:
    try:
        await make_storage(settings).check()
    except StorageUnavailable as error:
        return Finding("storage", True, error.detail)
    return Finding("storage", False, "files can be kept")


def _check_mail(settings: Settings) -> Finding:
    if settings.mail.smtp_host is not None:
        return Finding("mail", False, f"sent through {settings.mail.smtp_host}")
    if settings.house.mode == "development":
        return Finding("mail", False, "not sent: sign-in links are shown on the page")
    return Finding("mail", True, "nobody can sign in to the console: set CH_SMTP_HOST")


def _list_node_policy(settings: Settings) -> list[Finding]:
    nodes = settings.nodes
    allowed = ", ".join(nodes.nodes_allowed) or "none"
    refused = ", ".join(nodes.nodes_refused) or "none"
    paid = "on" if nodes.nodes_api else "off"
    detail = (
        f"{len(AUDITED)} audited classes and our pack · allowed besides: {allowed} · "
        f"refused: {refused} · nodes of paid services: {paid}"
    )
    unaudited = [name for name in nodes.nodes_allowed if name in REFUSED]
    return [
        Finding("nodes", False, detail),
        *(
            Finding("nodes", True, f"{name} is allowed by you, although {REFUSED[name]}")
            for name in unaudited
        ),
    ]


def _describe_moderation(settings: Settings) -> Finding:
    moderation = settings.moderation
    judge = "an address" if moderation.moderation_url else "a command"
    if moderation.moderation_url is None and moderation.moderation_command is None:
        return Finding("judge", False, "nobody judges content; CH_MODERATION_URL would")
    stages = {
        "before a job": moderation.moderation_before,
        "before its outputs": moderation.moderation_after,
    }
    asked = " and ".join(name for name, is_asked in stages.items() if is_asked)
    detail = f"{judge} is asked {asked or 'never'}; without an answer content is "
    outcome = "refused" if moderation.moderation_when_down == "refuse" else "allowed"
    return Finding("judge", not asked, detail + outcome)


async def _check_backends(store: Store) -> list[Finding]:
    statuses = await list_statuses(store)
    if not statuses:
        return [Finding("backends", True, "no worker has reported one; does one run?")]
    return [Finding("backend", not one.is_ready, _describe(one)) for one in statuses]


def _describe(status: BackendStatus) -> str:
    state = status.state if status.is_ready or status.state != "ready" else "not looked after"
    return (
        f"{status.id} {status.url} · {state} · {'+'.join(status.modes)} · version "
        f"{status.version or '?'} · {status.checkpoints} checkpoints · "
        f"{_GUARANTEES[status.guarantee]}"
    )
