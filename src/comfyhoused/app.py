"""The web program: one FastAPI application with the doors that are open."""

import asyncio
import importlib
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from types import ModuleType

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from comfyhoused.adapters.queue.doorbell import make_broker
from comfyhoused.adapters.redis.client import StoreUnavailable
from comfyhoused.api import (
    account_routes,
    batches,
    estimate,
    files,
    generate,
    health,
    job_socket,
    jobs,
    key_routes,
    models,
    raw_files,
    templates,
    upscale,
    usage,
    webhook_deliveries,
    webhooks,
    workflows,
)
from comfyhoused.api.console.routes import UPLOAD_PATHS, install_pages
from comfyhoused.api.cross_origin import CrossOrigin
from comfyhoused.api.document import DocumentedApp
from comfyhoused.api.house import ApiHouse
from comfyhoused.api.limits import BodyLimit
from comfyhoused.api.operations import name_operation
from comfyhoused.api.plans import PlanBook
from comfyhoused.api.problems import install_problem_handlers
from comfyhoused.api.rates import RateHeaders
from comfyhoused.core.fleet.catalogues import CatalogueShelf
from comfyhoused.core.jobs.events import EventHub
from comfyhoused.core.workflows.model_book import ModelBook
from comfyhoused.kit.log import configure_logging, get_logger
from comfyhoused.resources import (
    Resources,
    UnfitHouse,
    check_fitness,
    get_redis_url,
    open_resources,
)
from comfyhoused.settings import Settings
from comfyhoused.web.session_cookie import SessionCookies

log = get_logger(__name__)

API = "/api/v1"
_STORE_SECONDS = 1.0
_DESCRIPTION = """One call, one picture; any ComfyUI workflow; jobs that survive every crash.

Send `Authorization: Bearer sk_live_…` (or `sk_test_…`: free, drawn by the sandbox).
Every failure is `application/problem+json` with a `code` that never changes.
"""


def create_app(settings: Settings | None = None) -> FastAPI:
    """Return the application; the environment is read here and nowhere below."""
    settings = settings or Settings.load()
    configure_logging(settings.house.log_level)
    creator_door = _load_creator_door(settings)
    app = DocumentedApp(
        title="Comfyhouse",
        version="1",
        description=_DESCRIPTION,
        openapi_url=f"{API}/openapi.json",
        docs_url=None,  # its page comes from a CDN; ours is in api/console
        redoc_url=None,
        generate_unique_id_function=_name_operation,
        lifespan=_make_lifespan(settings, creator_door),
    )
    install_problem_handlers(app)
    app.add_middleware(RateHeaders)
    app.add_middleware(
        BodyLimit,
        max_bytes=settings.http.max_body_bytes,
        unlimited_paths=(f"{API}/files", *UPLOAD_PATHS, "/creator/uploads/"),
    )
    app.add_middleware(SessionCookies)
    app.add_middleware(CrossOrigin, paths=(f"{API}/", "/files/raw/"))
    for module in (
        generate,
        upscale,
        jobs,
        estimate,
        usage,
        batches,
        files,
        models,
        templates,
        workflows,
        webhooks,
        webhook_deliveries,
        key_routes,
        account_routes,
        health,
    ):
        _take_summaries(module.router)
        app.include_router(module.router, prefix=API)
    app.include_router(job_socket.router, prefix=API)
    app.include_router(raw_files.router)
    install_pages(app)
    creator_door.install_creator(app)
    return app


def _name_operation(route: APIRoute) -> str:
    """Name an operation in the document as its method is named in the SDKs."""
    return name_operation(route.name)


def _take_summaries(router: APIRouter) -> None:
    """Title each operation with the first sentence of its docstring, not with its function."""
    for route in router.routes:
        if isinstance(route, APIRoute) and route.summary is None:
            route.summary = route.description.partition(".")[0].partition(":")[0]


def _load_creator_door(settings: Settings) -> ModuleType:
    """Load Creator where a database is named, and only there: a third of the start is its own."""
    door = "closed" if settings.creator.database_url is None else "door"
    return importlib.import_module(f"comfyhoused.creator.{door}")


def _make_lifespan(
    settings: Settings, creator_door: ModuleType
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    plans, model_book = _load_books(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with (
            open_resources(settings, needs_store=False) as resources,
            creator_door.open_creator(resources) as creator,
        ):
            hub = EventHub(resources.store)
            broker = make_broker(get_redis_url(settings))
            shelf = CatalogueShelf(resources.store)
            app.state.house = ApiHouse(resources, hub, shelf, broker, plans, model_book)
            app.state.creator = creator
            app.state.creator_plans = creator_door.list_plan_cards(creator)
            app.state.hub = hub
            checking = asyncio.create_task(
                _check_when_there(resources, partial(creator_door.wait_for_schema, creator))
            )
            try:
                yield
            finally:
                checking.cancel()
                await hub.close()
                broker.close()

    return lifespan


def _load_books(settings: Settings) -> tuple[PlanBook, ModelBook]:
    try:
        return (
            PlanBook.load(settings.house.plans_file),
            ModelBook.load(settings.house.models_file),
        )
    except UnfitHouse as error:
        sys.exit(str(error))


async def _check_when_there(
    resources: Resources, wait_until_fit: Callable[[], Awaitable[None]]
) -> None:
    """Check store and database as soon as they answer; until then requests get their 503.

    A house that turns out to be unfit ends as it does on a signal.
    """
    try:
        await _wait_for_fitness(resources)
        await wait_until_fit()
    except UnfitHouse as error:
        log.critical("%s", error)
        signal.raise_signal(signal.SIGTERM)


async def _wait_for_fitness(resources: Resources) -> None:
    while True:
        try:
            await check_fitness(resources)
        except StoreUnavailable:
            log.warning("waiting for Redis")
            await asyncio.sleep(_STORE_SECONDS)
        else:
            return
