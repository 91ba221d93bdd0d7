"""ControlNets: which of them reads what, and what must be done to the picture before."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from comfyhoused.core.workflows.catalogue import Catalogue
from comfyhoused.core.workflows.model_book import (
    UNKNOWN_FAMILY,
    Family,
    ModelBook,
    Preprocessor,
)

UNION = "union"


@dataclass(frozen=True, slots=True)
class Control:
    """The control picture of a request. `preprocess` of None: where the server can."""

    type: str
    file_id: str
    strength: float = 1.0
    preprocess: bool | None = None


@dataclass(frozen=True, slots=True)
class ControlWay:
    """How one server follows a control picture: the ControlNet, its mode if it knows several,
    and the node that turns a picture into a map (None: it has to be one already).
    """

    model: str
    mode: str = ""
    preprocessor: Preprocessor | None = None


def find_way(
    control_type: str,
    preprocess: bool | None,
    family: Family,
    catalogue: Catalogue,
    book: ModelBook,
) -> ControlWay | None:
    """Return how this server can do it, or None. A ControlNet of its own goes before a union."""
    kind = book.controls[control_type]
    known = (one for one in kind.preprocessors if one.node in catalogue.classes)
    preprocessor = None if preprocess is False else next(known, None)
    if preprocess and preprocessor is None:
        return None
    models = list_models(control_type, family, catalogue, book)
    if not models:
        return None
    is_union = control_type not in book.get_facts(models[0]).controls
    return ControlWay(models[0], kind.union if is_union else "", preprocessor)


def list_models(
    control_type: str, family: Family, catalogue: Catalogue, book: ModelBook
) -> list[str]:
    """Return the server's ControlNets of the family that read such pictures, best first."""
    fitting = [name for name in catalogue.controlnets if _fits(book.get_facts(name).family, family)]
    own = [name for name in fitting if control_type in book.get_facts(name).controls]
    mode = book.controls[control_type].union
    if mode not in catalogue.find_choices("SetUnionControlNetType", "type"):
        return own
    unions = [name for name in fitting if UNION in book.get_facts(name).controls]
    return own + [name for name in unions if name not in own]


def list_offered_types(
    catalogues: Sequence[Catalogue], book: ModelBook, family: Family | None = None
) -> list[str]:
    """Return the control types that some server can follow, with this family or with any."""
    families = [family] if family is not None else list(book.families.values())
    return [
        name
        for name in book.controls
        if any(
            list_models(name, one, catalogue, book) for one in families for catalogue in catalogues
        )
    ]


def list_preprocessed_types(catalogues: Sequence[Catalogue], book: ModelBook) -> Iterator[str]:
    """Yield the control types for which some server makes the map itself."""
    for name, kind in book.controls.items():
        nodes = {one.node for one in kind.preprocessors}
        if any(nodes & catalogue.classes.keys() for catalogue in catalogues):
            yield name


def _fits(found: str, family: Family) -> bool:
    """A name that says nothing may fit the families whose names mostly say nothing."""
    if found == UNKNOWN_FAMILY or family.name == UNKNOWN_FAMILY:
        return family.texts == "plain" and found in (UNKNOWN_FAMILY, "sd15")
    return found == family.name
