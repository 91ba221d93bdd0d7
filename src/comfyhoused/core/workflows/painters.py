"""The files that paint together: a checkpoint, or a diffusion model with encoders and VAE."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from comfyhoused.core.workflows.catalogue import Catalogue
from comfyhoused.core.workflows.model_book import Family, ModelBook


@dataclass(frozen=True, slots=True)
class Painter:
    """A model and its family. `encoders` and `vae` are empty where the checkpoint holds them."""

    model: str
    family: Family
    encoders: tuple[str, ...] = ()
    vae: str = ""


def find_painter(model: str, catalogue: Catalogue, book: ModelBook) -> Painter | None:
    """Return what paints with this model on this server; None where it cannot."""
    family = book.find_family(model)
    if family is None:
        return None
    if model in catalogue.checkpoints:
        return Painter(model, family)
    if model not in catalogue.diffusion_models or family.texts != "flux":
        return None
    clip = _find_role("clip_l", catalogue.text_encoders, book)
    words = _find_role("t5xxl", catalogue.text_encoders, book)
    vae = _find_role("flux_vae", catalogue.vaes, book)
    if clip is None or words is None or vae is None:
        return None
    return Painter(model, family, (clip, words), vae)


def find_reason(model: str, catalogue: Catalogue, book: ModelBook) -> str:
    """Return why no template paints with a model that a server lists."""
    family = book.find_family(model)
    if family is None:
        name = book.get_facts(model).family
        return f"no template paints with models of the family {name}; send a workflow"
    if family.texts != "flux":
        return "it is no checkpoint, and its encoders are not known; send a workflow"
    return "no server has it together with clip_l, t5xxl and Flux's VAE"


def list_painters(catalogues: Iterable[Catalogue], book: ModelBook) -> dict[str, Painter]:
    """Return model name → painter for all that at least one server can paint with."""
    found: dict[str, Painter] = {}
    for catalogue in catalogues:
        for model in (*catalogue.checkpoints, *catalogue.diffusion_models):
            painter = found.get(model) or find_painter(model, catalogue, book)
            if painter is not None:
                found[model] = painter
    return dict(sorted(found.items(), key=lambda item: bool(item[1].encoders)))


def list_candidates(
    model: str, catalogues: Sequence[Catalogue], book: ModelBook
) -> Iterator[tuple[Catalogue, Painter]]:
    """Yield every server that can paint with the model, and by which files."""
    for catalogue in catalogues:
        painter = find_painter(model, catalogue, book)
        if painter is not None:
            yield catalogue, painter


def _find_role(role: str, names: Sequence[str], book: ModelBook) -> str | None:
    return next((name for name in names if book.get_facts(name).role == role), None)
