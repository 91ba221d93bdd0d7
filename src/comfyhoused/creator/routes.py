"""All routes of Creator, to be mounted at the root of the application."""

from fastapi import FastAPI

from comfyhoused.creator import (
    coming_back,
    connecting,
    disconnecting,
    picking,
    placing,
    sign_in,
    unsubscribing,
    upload_routes,
)
from comfyhoused.creator.edits import crew, delivering
from comfyhoused.creator.screens.every import SCREENS
from comfyhoused.creator.streams import NewsStreams
from comfyhoused.creator.visitors import install_sign_in_needed
from comfyhoused.creator.watching import push, watcher

#: Their errors have pages, too; a class is known once its module is imported.
RAISED_BY_WORKERS = (crew, delivering, placing, watcher)


def install_creator(app: FastAPI) -> None:
    """Mount the screens; to be called after the handlers of problems and pages are installed."""
    doors = (sign_in, coming_back, connecting, picking, disconnecting, push, unsubscribing)
    for module in (*doors, upload_routes, *SCREENS):
        app.include_router(module.router)
    app.state.news_streams = NewsStreams()
    install_sign_in_needed(app)
