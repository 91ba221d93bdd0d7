"""What can be asked of the process that opens photos, as documents that pass through a pipe."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from comfyhoused.core.photos.finishing import finish_photo
from comfyhoused.core.photos.preparing import inspect_photo, prepare_photo
from comfyhoused.core.photos.previews import make_preview
from comfyhoused.core.photos.shapes import PreviewWanted

Document = Mapping[str, Any]


def run_task(name: str, question: Document, *, max_pixels: int) -> dict[str, Any]:
    """Do what is asked and return the answer's fields; raises what the work raises."""
    return asdict(_TASKS[name](question, max_pixels))


def _inspect(question: Document, max_pixels: int) -> Any:
    return inspect_photo(Path(question["path"]), max_pixels=max_pixels)


def _prepare(question: Document, max_pixels: int) -> Any:
    return prepare_photo(
        Path(question["original"]),
        Path(question["target"]),
        _list_wanted(question),
        max_pixels=max_pixels,
    )


def _finish(question: Document, max_pixels: int) -> Any:
    return finish_photo(
        Path(question["original"]),
        Path(question["output"]),
        Path(question["target"]),
        _list_wanted(question),
        max_pixels=max_pixels,
    )


def _preview(question: Document, max_pixels: int) -> Any:
    return make_preview(
        Path(question["source"]),
        Path(question["target"]),
        question["longest"],
        max_pixels=max_pixels,
    )


def _list_wanted(question: Document) -> list[PreviewWanted]:
    return [PreviewWanted(Path(target), longest) for target, longest in question["previews"]]


_TASKS: dict[str, Callable[[Document, int], Any]] = {
    "inspect": _inspect,
    "prepare": _prepare,
    "finish": _finish,
    "preview": _preview,
}
