"""From the parameters of generate to a workflow."""

from collections.abc import Sequence

from comfyhoused.core.workflows.catalogue import Catalogue
from comfyhoused.core.workflows.control import find_way
from comfyhoused.core.workflows.graph import Graph, Workflow
from comfyhoused.core.workflows.image_to_image import make_image_to_image
from comfyhoused.core.workflows.inpaint import make_inpaint
from comfyhoused.core.workflows.model_book import ModelBook
from comfyhoused.core.workflows.offer import find_offer_errors
from comfyhoused.core.workflows.painters import Painter, list_candidates
from comfyhoused.core.workflows.parameters import (
    GenerateParameters,
    InvalidParameters,
    find_range_errors,
)
from comfyhoused.core.workflows.parts import Plan
from comfyhoused.core.workflows.text_to_image import make_text_to_image
from comfyhoused.kit.errors import FieldError


def check_parameters(
    parameters: GenerateParameters, catalogues: Sequence[Catalogue], book: ModelBook
) -> None:
    """Raise InvalidParameters if something is out of range or not offered by the servers."""
    errors = find_range_errors(parameters) + find_offer_errors(parameters, catalogues, book)
    if errors:
        raise InvalidParameters(errors[0]["detail"], errors=errors)


def build_graph(
    parameters: GenerateParameters, catalogues: Sequence[Catalogue], book: ModelBook
) -> Workflow:
    """Return the workflow if at least one server of the fleet can run all of it.

    Raises InvalidParameters, naming what is allowed: also where the model is on one server and
    a LoRA on another.
    """
    check_parameters(parameters, catalogues, book)
    for catalogue, painter in list_candidates(parameters.model, catalogues, book):
        graph = _make_graph(parameters, painter, catalogue, book)
        if graph is not None and catalogue.can_run(graph):
            return Workflow(graph)
    detail = "no single server has all of this together: model, LoRAs, ControlNet, sampler, nodes"
    raise InvalidParameters(detail, errors=[FieldError(detail=detail, pointer="/model")])


def _make_graph(
    parameters: GenerateParameters, painter: Painter, catalogue: Catalogue, book: ModelBook
) -> Graph | None:
    control, way = parameters.control, None
    if control is not None:
        way = find_way(control.type, control.preprocess, painter.family, catalogue, book)
        if way is None:
            return None
    plan = Plan(parameters, painter, way)
    file_id, mask_file_id = parameters.init_image_file_id, parameters.mask_file_id
    if file_id is None:
        return make_text_to_image(plan)
    if mask_file_id is None:
        return make_image_to_image(plan, file_id)
    return make_inpaint(plan, file_id, mask_file_id)
