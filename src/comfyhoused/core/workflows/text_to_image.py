"""The graph that paints a picture from words."""

from comfyhoused.core.workflows.graph import Graph
from comfyhoused.core.workflows.parts import (
    Plan,
    make_beginning,
    make_node,
    make_output,
    make_painting,
)


def make_text_to_image(plan: Plan) -> Graph:
    """Return the graph: empty latents of the asked size, painted from noise."""
    graph, ends = make_beginning(plan)
    graph["latent"] = make_node(
        "EmptySD3LatentImage" if plan.painter.family.texts == "flux" else "EmptyLatentImage",
        width=plan.parameters.width,
        height=plan.parameters.height,
        batch_size=plan.parameters.num_images,
    )
    graph |= make_painting(plan, ends, ["latent", 0], denoise=1.0)
    graph["output"] = make_output(["decoder", 0])
    return graph
