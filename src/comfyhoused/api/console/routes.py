"""All routes of the pages, to be mounted at the root of the application."""

from fastapi import FastAPI

from comfyhoused.api.console import (
    connecting,
    delivery_page,
    endpoint_page,
    error_pages,
    front,
    home_page,
    job_pages,
    job_sheet,
    jobs_page,
    keys_page,
    mails_page,
    plan_page,
    playground,
    pricing,
    reference,
    sign_in,
    submissions,
    uploads_page,
    webhooks_page,
    workflows_page,
)
from comfyhoused.api.console.error_pages import install_error_pages
from comfyhoused.api.console.signed_in import install_sign_in

#: Photos are counted where they are read, not by the limit for ordinary bodies.
UPLOAD_PATHS = ("/page/edits", "/console/files")

_PAGES = (front, submissions, job_pages, connecting, pricing, reference, error_pages)
#: Deliveries come before endpoints: their addresses would be read as an endpoint's.
_CONSOLE = (
    home_page,
    jobs_page,
    job_sheet,
    playground,
    uploads_page,
    keys_page,
    plan_page,
    webhooks_page,
    delivery_page,
    endpoint_page,
    workflows_page,
)


def install_pages(app: FastAPI) -> None:
    """Mount the pages; to be called after the handlers of problems are installed."""
    for module in (*_PAGES, mails_page, sign_in, *_CONSOLE):
        app.include_router(module.router)
    install_sign_in(app)
    install_error_pages(app)
