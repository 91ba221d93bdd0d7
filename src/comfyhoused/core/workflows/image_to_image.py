"""The graph that paints over a picture."""

from comfyhoused.core.workflows.graph import Graph
from comfyhoused.core.workflows.parts import (
    Plan,
    make_beginning,
    make_node,
    make_output,
    make_painting,
    make_scaling,
)


def make_image_to_image(plan: Plan, file_id: str) -> Graph:
    """Return the graph: the file, cropped around its centre to the asked size and partly forgotten
    (`strength`), is the start of every picture of the batch.
    """
    parameters = plan.parameters
    graph, ends = make_beginning(plan)
    graph["image"] = make_node("LoadImage", image={"file_id": file_id})
    graph["scaled"] = make_scaling(["image", 0], parameters, crop="center")
    graph["encoded"] = make_node("VAEEncode", pixels=["scaled", 0], vae=ends.vae)
    last = "encoded"
    if parameters.num_images > 1:
        last = "repeated"
        graph[last] = make_node(
            "RepeatLatentBatch", samples=["encoded", 0], amount=parameters.num_images
        )
    graph |= make_painting(plan, ends, [last, 0], denoise=parameters.strength)
    graph["output"] = make_output(["decoder", 0])
    return graph
