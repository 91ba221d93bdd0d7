"""From the parameters of generate to a workflow."""

from comfyhoused.core.workflows.catalogue import Catalogue
from comfyhoused.core.workflows.graph import Workflow
from comfyhoused.core.workflows.image_to_image import make_image_to_image
from comfyhoused.core.workflows.parameters import GenerateParameters, check_parameters
from comfyhoused.core.workflows.text_to_image import make_text_to_image


def build_graph(parameters: GenerateParameters, catalogue: Catalogue) -> Workflow:
    """Return the workflow for these parameters, text to image or image to image.

    Raises InvalidParameters, naming what is allowed.
    """
    check_parameters(parameters, catalogue)
    if parameters.init_image_file_id is None:
        return Workflow(make_text_to_image(parameters))
    return Workflow(make_image_to_image(parameters, parameters.init_image_file_id))
