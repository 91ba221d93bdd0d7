"""What every part of Creator is handed: the house's resources and the database behind them."""

from dataclasses import dataclass
from pathlib import Path

from comfyhoused.adapters.postgres.database import Database
from comfyhoused.core.photos.studio import PhotoStudio
from comfyhoused.creator.google import Google
from comfyhoused.creator.plans import CreatorPlanBook
from comfyhoused.creator.presets.book import PresetBook
from comfyhoused.resources import Resources
from comfyhoused.settings import CreatorSettings


@dataclass(frozen=True, slots=True)
class CreatorHouse:
    """Creator's side of the house; one per process that serves it."""

    resources: Resources
    database: Database
    plans: CreatorPlanBook
    presets: PresetBook
    studio: PhotoStudio
    google: Google

    @property
    def settings(self) -> CreatorSettings:
        """Creator's own settings."""
        return self.resources.settings.creator

    @property
    def spool_dir(self) -> Path:
        """A folder on a real disk for photos on their way."""
        return self.resources.spool_dir


def make_owner(user_id: str) -> str:
    """Return the user as an owner of jobs and files, which is all that shared code knows."""
    return f"user:{user_id}"
