"""The graph that paints over a picture."""

from comfyhoused.core.workflows.graph import Graph
from comfyhoused.core.workflows.parameters import GenerateParameters
from comfyhoused.core.workflows.text_to_image import make_node, make_painting


def make_image_to_image(parameters: GenerateParameters, file_id: str) -> Graph:
    """Return the graph: the file, cropped around its centre to the asked size and partly forgotten
    (`strength`), is the start of every picture of the batch.
    """
    last = "repeated" if parameters.num_images > 1 else "encoded"
    graph: Graph = {
        "image": make_node("LoadImage", image={"file_id": file_id}),
        "scaled": make_node(
            "ImageScale",
            image=["image", 0],
            upscale_method="lanczos",
            width=parameters.width,
            height=parameters.height,
            crop="center",
        ),
        "encoded": make_node("VAEEncode", pixels=["scaled", 0], vae=["model", 2]),
    }
    if parameters.num_images > 1:
        graph["repeated"] = make_node(
            "RepeatLatentBatch", samples=["encoded", 0], amount=parameters.num_images
        )
    return graph | make_painting(parameters, latent=[last, 0], denoise=parameters.strength)
