"""An edit as screens show it: words, steps and addresses, the same with and without script."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath
from typing import Any, Literal

from comfyhoused.creator.kept import describe_kept
from comfyhoused.creator.presets.report import Report
from comfyhoused.creator.tables import Delivery, Edit, Photo, Source
from comfyhoused.creator.words import OPEN_EDIT_STATES

Look = Literal["", "done", "now", "bad"]

#: Glyph and word of an edit while it is under way or stopped; a finished one asks its delivery.
_STATES = {
    "waiting": ("queued", "Arrived"),
    "in_line": ("queued", "In line"),
    "running": ("running", "Editing"),
    "finishing": ("running", "Finishing"),
    "failed": ("failed", "Not finished"),
    "canceled": ("canceled", "Canceled"),
}
_DELIVERIES = {
    "held": ("held", "Waits for your yes"),
    "due": ("running", "On its way"),
    "delivered": ("succeeded", "Ready"),
    "failed": ("failed", "Not in your folder"),
    "rejected": ("canceled", "Rejected"),
}
_STEPS = ("Arrived", "In line", "Editing", "In folder")
_DONE = {"waiting": 0, "in_line": 1, "running": 2, "finishing": 2, "finished": 3}


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the wedge."""

    words: str
    look: Look


@dataclass(frozen=True, slots=True)
class EditView:
    """What a screen shows of an edit; addresses are None where the file is not there."""

    id: str
    name: str
    title: str
    preset: str
    preset_title: str
    preset_version: str
    strength: int
    parameters: Mapping[str, Any]
    state: str
    glyph: str
    words: str
    steps: list[Step]
    source_id: str
    source_name: str
    folder: str
    photo_id: str
    job_id: str
    width: int | None
    height: int | None
    size_bytes: int
    created_at: datetime
    finished_at: datetime | None
    thumb_url: str | None
    preview_url: str | None
    original_thumb_url: str | None
    original_url: str | None
    result_url: str | None
    folder_url: str | None
    delivery: str | None
    delivery_name: str
    delivery_fault: str
    fault: Mapping[str, Any] | None
    notes: Sequence[str]
    wrong_reason: str | None
    is_credited: bool

    @property
    def page(self) -> str:
        """The address of its own screen."""
        return f"/creator/edits/{self.id}"

    @property
    def is_open(self) -> bool:
        """Whether something is still to happen without its owner."""
        return self.state in OPEN_EDIT_STATES or self.delivery == "due"

    @property
    def can_cancel(self) -> bool:
        return self.state in OPEN_EDIT_STATES

    @property
    def can_retry(self) -> bool:
        return self.state in ("failed", "canceled")

    @property
    def is_finished(self) -> bool:
        return self.state == "finished"

    @property
    def alt(self) -> str:
        """What the picture is called where it cannot be seen."""
        return f"{self.title}, {self.preset_title}"


def view_edit(
    edit: Edit,
    photo: Photo,
    delivery: Delivery | None,
    source: Source | None,
    preset_titles: Mapping[str, str],
) -> EditView:
    """Return the view of an edit."""
    glyph, words = _STATES.get(edit.state) or _DELIVERIES[delivery.state if delivery else "due"]
    return EditView(
        id=edit.id,
        name=photo.name,
        title=PurePath(photo.name).stem or photo.name,
        preset=edit.preset,
        preset_title=preset_titles.get(edit.preset, edit.preset),
        preset_version=edit.preset_version,
        strength=edit.strength,
        parameters=edit.parameters,
        state=edit.state,
        glyph=glyph,
        words=words,
        steps=_make_steps(edit, delivery),
        source_id=edit.source_id,
        source_name=source.name if source else "",
        folder=photo.folder,
        photo_id=photo.id,
        job_id=edit.job_id,
        width=photo.width,
        height=photo.height,
        size_bytes=photo.size_bytes,
        created_at=edit.created_at,
        finished_at=edit.finished_at,
        thumb_url=_link(f"/creator/edits/{edit.id}/thumb", edit.thumb_file),
        preview_url=_link(f"/creator/edits/{edit.id}/preview", edit.preview_file),
        original_thumb_url=_link(f"/creator/photos/{photo.id}/thumb", photo.thumb_file),
        original_url=_link(f"/creator/photos/{photo.id}/preview", photo.preview_file),
        result_url=f"/creator/edits/{edit.id}/download" if edit.result_file else None,
        folder_url=delivery.url if delivery else None,
        delivery=delivery.state if delivery else None,
        delivery_name=delivery.name if delivery else "",
        delivery_fault=_read_detail(delivery.error) if delivery else "",
        fault=edit.error,
        notes=(*Report.from_row(edit.report).sentences, *describe_kept(edit.report)),
        wrong_reason=edit.wrong_reason,
        is_credited=edit.is_credited,
    )


def _link(path: str, key: str | None) -> str | None:
    """Return a picture's address, another one for every picture, so that browsers may keep it."""
    return f"{path}?v={key[-12:].replace('/', '-')}" if key else None


def _make_steps(edit: Edit, delivery: Delivery | None) -> list[Step]:
    if edit.state in ("failed", "canceled"):
        done = 2 if edit.started_at else 1 if edit.prepared_file else 0
        word = "Stopped" if edit.state == "failed" else "Canceled"
        return _list_steps(done, word)
    done = _DONE[edit.state]
    if edit.state == "finished" and delivery:
        if delivery.state == "delivered":
            return _list_steps(4)
        if delivery.state in ("failed", "rejected"):
            return _list_steps(3, "Not in folder" if delivery.state == "failed" else "Rejected")
    return _list_steps(done)


def _list_steps(done: int, bad: str = "") -> list[Step]:
    steps: list[Step] = []
    for i, words in enumerate(_STEPS):
        look: Look = "done" if i < done else "" if i > done else "bad" if bad else "now"
        steps.append(Step(bad if look == "bad" else words, look))
    return steps


def _read_detail(error: Mapping[str, Any] | None) -> str:
    return str(error.get("detail") or error.get("title") or "") if error else ""
