"""A job as the page shows it: words, steps and addresses, the same with and without script."""

from dataclasses import dataclass
from typing import Any

from comfyhoused.api.console.recipes import RECIPES, Recipe
from comfyhoused.api.console.sample import SAMPLE
from comfyhoused.api.rendering import find_engine, make_timings
from comfyhoused.api.schemas import Timings
from comfyhoused.core.jobs.record import Job
from comfyhoused.core.jobs.states import JobState
from comfyhoused.web.assets import ASSETS

_WORDS = {
    JobState.QUEUED: "In line",
    JobState.RUNNING: "Making",
    JobState.SUCCEEDED: "Ready",
    JobState.FAILED: "Failed",
    JobState.CANCELED: "Canceled",
    JobState.EXPIRED: "Waited too long",
}
#: How many steps of received, waited, made, delivered are done in each state.
_DONE = {JobState.QUEUED: 1, JobState.RUNNING: 2, JobState.SUCCEEDED: 4}
STEPS = ("Received", "Waited", "Made", "Delivered")
STEPS_NOW = ("Receiving", "Waiting", "Making", "Delivering")


@dataclass(frozen=True, slots=True)
class Step:
    """One field of the step wedge; `look` is done, now, bad or empty."""

    words: str
    look: str


@dataclass(frozen=True, slots=True)
class Picture:
    """An output to look at."""

    url: str
    width: int
    height: int
    size_bytes: int | None


@dataclass(frozen=True, slots=True)
class JobView:
    """What the templates need of a job."""

    id: str
    title: str
    state: str
    words: str
    is_over: bool
    is_canceling: bool
    is_sandbox: bool
    server: str
    attempt: int
    recipe: Recipe | None
    is_sample: bool
    before_url: str
    pictures: tuple[Picture, ...]
    parameters: dict[str, Any]
    error: dict[str, Any] | None
    timings: Timings
    steps: tuple[Step, ...]

    @property
    def made_by(self) -> str:
        """Who painted it: the mark of the sandbox, or server and model."""
        if self.is_sandbox:
            return "SANDBOX – no model"
        return " · ".join(filter(None, (self.server, self.parameters.get("model"))))

    @property
    def kind(self) -> str:
        """Which part of the page it belongs to: edit or sandbox."""
        return "edit" if self.recipe else "sandbox"


def view_job(job: Job) -> JobView:
    """Return the view of a job that the page submitted, or any other of the account."""
    metadata = job.facts.get("metadata", {})
    recipe = RECIPES.get(metadata.get("recipe", ""))
    return JobView(
        id=job.id,
        title=_make_title(job, recipe),
        state=job.state.value,
        words=_WORDS[job.state],
        is_over=job.state.is_terminal,
        is_canceling=job.is_canceling and not job.state.is_terminal,
        is_sandbox=find_engine(job) == "sandbox",
        server=job.backend,
        attempt=job.attempt,
        recipe=recipe,
        is_sample=metadata.get("photo") == "sample",
        before_url=_find_before(metadata) if recipe else "",
        pictures=tuple(_view_picture(raw) for raw in job.outputs if raw.get("width")),
        parameters=job.facts.get("parameters", {}),
        error=dict(job.error) if job.error else None,
        timings=make_timings(job),
        steps=_make_steps(job),
    )


def _make_title(job: Job, recipe: Recipe | None) -> str:
    if recipe is not None:
        return f"Photo edit, {recipe.title}"
    return str(job.facts.get("parameters", {}).get("prompt") or "Workflow")


def _find_before(metadata: dict[str, str]) -> str:
    if metadata.get("photo") == "sample":
        return ASSETS.get_url(SAMPLE)
    return make_file_url(metadata.get("photo", ""))


def make_file_url(file_id: str) -> str:
    """Return the page's own address of a file: links to storage may be of another origin."""
    return f"/page/files/{file_id}"


def _view_picture(raw: dict[str, Any]) -> Picture:
    return Picture(
        make_file_url(raw["file_id"]), raw["width"], raw["height"], raw.get("size_bytes")
    )


def _make_steps(job: Job) -> tuple[Step, ...]:
    is_bad = job.state in (JobState.FAILED, JobState.CANCELED, JobState.EXPIRED)
    done = _DONE.get(job.state, 2 if job.started_at else 1)
    looks = ["done"] * done + [""] * (len(STEPS) - done)
    if done < len(STEPS):
        looks[done] = "bad" if is_bad else "now"
    words = [STEPS_NOW[i] if looks[i] == "now" else STEPS[i] for i in range(len(STEPS))]
    if is_bad:
        words[done] = _WORDS[job.state]
    return tuple(Step(word, look) for word, look in zip(words, looks, strict=True))
