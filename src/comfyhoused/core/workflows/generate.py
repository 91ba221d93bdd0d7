"""From the parameters of generate to a workflow."""

from collections.abc import Sequence

from comfyhoused.core.workflows.catalogue import Catalogue, merge_catalogues
from comfyhoused.core.workflows.graph import Workflow
from comfyhoused.core.workflows.image_to_image import make_image_to_image
from comfyhoused.core.workflows.parameters import (
    GenerateParameters,
    InvalidParameters,
    check_parameters,
)
from comfyhoused.core.workflows.text_to_image import make_text_to_image
from comfyhoused.kit.errors import FieldError


def build_graph(parameters: GenerateParameters, catalogue: Catalogue) -> Workflow:
    """Return the workflow for these parameters, text to image or image to image.

    Raises InvalidParameters, naming what is allowed.
    """
    return build_graph_on_any(parameters, [catalogue])


def build_graph_on_any(
    parameters: GenerateParameters, catalogues: Sequence[Catalogue], *, root: str = ""
) -> Workflow:
    """Return the workflow if at least one server of the fleet can run it; see `build_graph`.

    Raises InvalidParameters: also where the model is on one server and a LoRA on another.
    """
    check_parameters(parameters, merge_catalogues(catalogues), root=root)
    if parameters.init_image_file_id is None:
        workflow = Workflow(make_text_to_image(parameters))
    else:
        workflow = Workflow(make_image_to_image(parameters, parameters.init_image_file_id))
    if not any(catalogue.can_run(workflow.graph) for catalogue in catalogues):
        detail = "no single server has this model, sampler, scheduler and all LoRAs together"
        raise InvalidParameters(detail, errors=[FieldError(detail=detail, pointer=f"{root}/model")])
    return workflow
