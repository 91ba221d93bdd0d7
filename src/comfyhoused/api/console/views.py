"""A job as the page shows it: words, steps and addresses, the same with and without script."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from comfyhoused.api.console.recipes import RECIPES, Recipe
from comfyhoused.api.console.sample import SAMPLE
from comfyhoused.api.job_responses import Timings
from comfyhoused.api.rendering import find_engine, make_timings
from comfyhoused.core.files.content_types import EXTENSIONS
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
    extension: str


@dataclass(frozen=True, slots=True)
class OtherOutput:
    """An output that is no picture: to be fetched."""

    url: str
    kind: str
    content_type: str
    size_bytes: int | None


@dataclass(frozen=True, slots=True)
class JobView:
    """What the templates need of a job."""

    id: str
    page: str
    title: str
    kind: str
    mode: str
    created_at: datetime
    finished_at: datetime | None
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
    others: tuple[OtherOutput, ...]
    gone_count: int
    parameters: dict[str, Any]
    metadata: dict[str, str]
    units: int
    batch: str
    error: dict[str, Any] | None
    timings: Timings
    steps: tuple[Step, ...]
    charged_units: int = 0

    @property
    def made_by(self) -> str:
        """Who painted it: the mark of the sandbox, or server and model."""
        if self.is_sandbox:
            return "SANDBOX – no model"
        return " · ".join(filter(None, (self.server, self.parameters.get("model"))))

    @property
    def place(self) -> str:
        """Which part of the front page it belongs to: edit or sandbox."""
        return "edit" if self.recipe else "sandbox"


def view_job(job: Job, *, base: str = "/page", kept: Collection[str] | None = None) -> JobView:
    """Return the view of a job whose files and page lie below `base`.

    `kept` are the ids of outputs that are still there; None: nobody has looked.
    """
    metadata = job.facts.get("metadata", {})
    recipe = RECIPES.get(metadata.get("recipe", ""))
    outputs = [raw for raw in job.outputs if kept is None or raw["file_id"] in kept]
    return JobView(
        id=job.id,
        page=f"{base}/jobs/{job.id}",
        title=_make_title(job, recipe),
        kind=job.kind,
        mode=job.mode,
        created_at=job.created_at,
        finished_at=job.finished_at,
        state=job.state.value,
        words=_WORDS[job.state],
        is_over=job.state.is_terminal,
        is_canceling=job.is_canceling and not job.state.is_terminal,
        is_sandbox=find_engine(job) == "sandbox",
        server=job.backend,
        attempt=job.attempt,
        recipe=recipe,
        is_sample=metadata.get("photo") == "sample",
        before_url=_find_before(base, metadata) if recipe else "",
        pictures=tuple(_view_picture(base, raw) for raw in outputs if raw.get("width")),
        others=tuple(_view_other(base, raw) for raw in outputs if not raw.get("width")),
        gone_count=len(job.outputs) - len(outputs),
        parameters=job.facts.get("parameters", {}),
        metadata=metadata,
        units=job.reserved_units,
        batch=job.batch,
        error=dict(job.error) if job.error else None,
        timings=make_timings(job),
        steps=_make_steps(job),
    )


def _make_title(job: Job, recipe: Recipe | None) -> str:
    if recipe is not None:
        return f"Photo edit, {recipe.title}"
    prompt = job.facts.get("parameters", {}).get("prompt")
    if prompt:
        return str(prompt)
    name = job.template or job.facts.get("template") or job.kind
    return str(name).replace("-", " ").capitalize()


def _find_before(base: str, metadata: dict[str, str]) -> str:
    if metadata.get("photo") == "sample":
        return ASSETS.get_url(SAMPLE)
    return make_file_url(base, metadata.get("photo", ""))


def make_file_url(base: str, file_id: str) -> str:
    """Return our own address of a file: links to storage may be of another origin."""
    return f"{base}/files/{file_id}"


def _view_picture(base: str, raw: dict[str, Any]) -> Picture:
    url = make_file_url(base, raw["file_id"])
    extension = EXTENSIONS.get(raw.get("content_type", ""), "png")
    return Picture(url, raw["width"], raw["height"], raw.get("size_bytes"), extension)


def _view_other(base: str, raw: dict[str, Any]) -> OtherOutput:
    url = make_file_url(base, raw["file_id"])
    return OtherOutput(url, raw["kind"], raw.get("content_type", ""), raw.get("size_bytes"))


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
