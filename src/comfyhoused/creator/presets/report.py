"""What a preset's run says about the photo, turned into words for its owner.

Our nodes give a JSON text `{"comfyhouse_report": 1, "notes": ["no_face"], "facts": {...}}`, which
a `PreviewAny` node shows, so that it arrives among a job's outputs as one of kind `text`.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

_MARK = "comfyhouse_report"
_MOST_NOTES = 20

_WORDS = {
    "no_face": "No face was found, so only light and colour were changed.",
    "no_face_finder": (
        "Faces could not be looked for on this server, so only light and colour were changed."
    ),
    "small_faces": "The faces are small in the picture; skin was left as it is.",
    "no_subject": "No clear product was found, so the picture was left as it is.",
    "unsure_subject": "It was hard to tell what the product is; check that all of it is there.",
    "subject_touches_edge": "The product touches the edge of the picture; it was cut off there.",
    "no_bars_upright": "Black bars were left out: they are for wide photos only.",
    "narrower_bars": "The black bars were made narrower, so that less of the photo is hidden.",
    "unsure_edges": "Parts of the product's edge were hard to tell from the background.",
}


@dataclass(frozen=True, slots=True)
class Report:
    """`notes` are codes, permanent; `sentences` their words; `facts` numbers of the run."""

    notes: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def sentences(self) -> tuple[str, ...]:
        """What the owner of the photo is told, most important first."""
        return tuple(_WORDS[code] for code in self.notes if code in _WORDS)

    def describe(self) -> dict[str, Any]:
        """Return the report as JSON, for the edit's row."""
        return {"notes": list(self.notes), "facts": self.facts}

    @classmethod
    def from_row(cls, row: dict[str, Any] | None) -> "Report":
        """Return what `describe` gave; nothing for None."""
        return cls(tuple(row["notes"]), dict(row["facts"])) if row else cls()


def read_report(texts: Iterable[str]) -> Report:
    """Return the report among the texts that a job gave out; an empty one if there is none.

    Never raises: the texts come from a server that an operator may have changed.
    """
    for text in texts:
        found = _parse(text)
        if found is not None:
            return found
    return Report()


def _parse(text: str) -> Report | None:
    try:
        said = json.loads(text)
    except ValueError:
        return None
    if not isinstance(said, dict) or said.get(_MARK) != 1:
        return None
    notes, facts = said.get("notes"), said.get("facts")
    codes = [one for one in notes if isinstance(one, str)] if isinstance(notes, list) else []
    plain = {
        key: value
        for key, value in (facts.items() if isinstance(facts, dict) else ())
        if isinstance(value, bool | int | float | str)
    }
    return Report(tuple(codes[:_MOST_NOTES]), plain)
