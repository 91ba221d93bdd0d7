"""The graph that enlarges a picture, by a model where the servers have one that fits."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from comfyhoused.core.workflows.catalogue import Catalogue
from comfyhoused.core.workflows.delivered_size import find_size_errors
from comfyhoused.core.workflows.graph import Graph, Value, Workflow
from comfyhoused.core.workflows.merged_offer import merge_offers
from comfyhoused.core.workflows.model_book import ModelBook
from comfyhoused.core.workflows.offer import check_choice
from comfyhoused.core.workflows.parameters import InvalidParameters
from comfyhoused.core.workflows.parts import make_node, make_output
from comfyhoused.kit.errors import FieldError

FACTORS = (2, 4)


@dataclass(frozen=True, slots=True)
class Upscaling:
    """A picture of `width` × `height` to be enlarged `factor` times; an empty `model` resamples."""

    file_id: str
    width: int
    height: int
    factor: int
    model: str = ""
    output_format: str = "png"

    @property
    def output_pixels(self) -> int:
        """Width × height of the result."""
        return self.width * self.height * self.factor**2


def list_upscalers(catalogues: Iterable[Catalogue], book: ModelBook) -> list[str]:
    """Return the upscaling models whose factor is known."""
    names = merge_offers(catalogues).upscalers
    return [name for name in names if book.get_facts(name).scale is not None]


def choose_upscaler(
    requested: str | None, factor: int, offered: Sequence[str], book: ModelBook
) -> str:
    """Return the model to use: the requested one, else the one whose factor fits best.

    Empty where there is none; an unknown one is returned as it is, for `build_upscale` to refuse.
    """
    if requested is not None:
        same_stem = [name for name in offered if name.rpartition(".")[0] == requested]
        return same_stem[0] if requested not in offered and len(same_stem) == 1 else requested

    def rate(name: str) -> tuple[bool, int]:
        scale = book.get_facts(name).scale or 1
        return scale < factor, abs(scale - factor)

    return min(offered, key=rate, default="")


def build_upscale(wanted: Upscaling, catalogues: Sequence[Catalogue], book: ModelBook) -> Workflow:
    """Return the workflow; raises InvalidParameters, naming what is allowed."""
    errors = list(_find_errors(wanted, catalogues, book))
    if errors:
        raise InvalidParameters(errors[0]["detail"], errors=errors)
    graph = _make_graph(wanted, book.get_facts(wanted.model).scale or 1)
    if not any(catalogue.can_run(graph) for catalogue in catalogues):
        detail = "no server has the nodes that this takes"
        raise InvalidParameters(detail, errors=[FieldError(detail=detail, pointer="/model")])
    return Workflow(graph)


def _find_errors(
    wanted: Upscaling, catalogues: Sequence[Catalogue], book: ModelBook
) -> Iterator[FieldError]:
    if wanted.factor not in FACTORS:
        allowed = [str(factor) for factor in FACTORS]
        yield FieldError(pointer="/factor", detail="factor must be 2 or 4", allowed=allowed)
    else:
        yield from find_size_errors(
            wanted.width * wanted.factor,
            wanted.height * wanted.factor,
            count=1,
            output_format=wanted.output_format,
            pointer="/image",
        )
    if wanted.model:
        yield from check_choice("/model", wanted.model, list_upscalers(catalogues, book))


def _make_graph(wanted: Upscaling, scale: int) -> Graph:
    """Enlarge as often as it takes, then shrink what was too much."""
    graph: Graph = {"image": make_node("LoadImage", image={"file_id": wanted.file_id})}
    last: Value = ["image", 0]
    reached = 1
    if wanted.model:
        graph["upscaler"] = make_node("UpscaleModelLoader", model_name=wanted.model)
        while reached < wanted.factor:
            reached *= scale
            graph[f"enlarged{reached}"] = make_node(
                "ImageUpscaleWithModel", upscale_model=["upscaler", 0], image=last
            )
            last = [f"enlarged{reached}", 0]
    if reached != wanted.factor:
        graph["fitted"] = make_node(
            "ImageScale",
            image=last,
            upscale_method="lanczos",
            width=wanted.width * wanted.factor,
            height=wanted.height * wanted.factor,
            crop="disabled",
        )
        last = ["fitted", 0]
    graph["output"] = make_output(last)
    return graph
