"""All routes of Creator, to be mounted at the root of the application."""

from fastapi import FastAPI

from comfyhoused.creator.visitors import install_sign_in_needed


def install_creator(app: FastAPI) -> None:
    """Mount the screens; to be called after the handlers of problems and pages are installed."""
    install_sign_in_needed(app)
