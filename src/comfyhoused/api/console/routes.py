"""All routes of the pages, to be mounted at the root of the application."""

from fastapi import FastAPI

from comfyhoused.api.console import (
    connecting,
    error_pages,
    front,
    job_pages,
    reference,
    submissions,
)
from comfyhoused.api.console.error_pages import install_error_pages

#: Photos are counted where they are read, not by the limit for ordinary bodies.
UPLOAD_PATH = "/page/edits"


def install_pages(app: FastAPI) -> None:
    """Mount the pages; to be called after the handlers of problems are installed."""
    for module in (front, submissions, job_pages, connecting, reference, error_pages):
        app.include_router(module.router)
    install_error_pages(app)
