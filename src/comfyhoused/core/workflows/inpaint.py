"""The graph that repaints a part of a picture and leaves every other pixel as it was.

The mask is used twice. The sampler gets it hard and a little wider, so that what lies under the
edge is wholly painted; then the result is laid over the original, at the original's full size,
through the mask as it was sent. Where that is black the composite is original × 1 + painted × 0,
which is the original to the bit.
"""

from dataclasses import replace

from comfyhoused.core.workflows.graph import Graph, Value
from comfyhoused.core.workflows.parts import (
    Plan,
    make_beginning,
    make_node,
    make_output,
    make_painting,
    make_scaling,
)

_WIDER_BY = 8
"""Pixels of what is painted: one cell of the latent, in which the mask is drawn."""


def make_inpaint(plan: Plan, file_id: str, mask_file_id: str) -> Graph:
    """Return the graph; `image_size` of the parameters is the size of what is delivered."""
    parameters = plan.parameters
    graph, ends = make_beginning(plan)
    graph["image"] = make_node("LoadImage", image={"file_id": file_id})
    graph["mask"] = make_node("LoadImageMask", image={"file_id": mask_file_id}, channel="red")
    pixels, mask = _add_working_copies(graph, plan)
    graph["edited"] = make_node("ThresholdMask", mask=mask, value=0.0)
    graph["wider"] = make_node(
        "GrowMask", mask=["edited", 0], expand=_WIDER_BY, tapered_corners=True
    )
    # Models made for inpainting read picture and mask from here; others ignore that.
    graph["prepared"] = make_node(
        "InpaintModelConditioning",
        positive=ends.positive,
        negative=ends.negative,
        vae=ends.vae,
        pixels=pixels,
        mask=["wider", 0],
        noise_mask=True,
    )
    latent: Value = ["prepared", 2]
    if parameters.num_images > 1:
        graph["repeated"] = make_node(
            "RepeatLatentBatch", samples=latent, amount=parameters.num_images
        )
        latent = ["repeated", 0]
    ends = replace(ends, positive=["prepared", 0], negative=["prepared", 1])
    graph |= make_painting(plan, ends, latent, denoise=parameters.strength)
    graph["composed"] = make_node(
        "ImageCompositeMasked",
        destination=_add_originals(graph, parameters.num_images),
        source=_add_full_size(graph, plan),
        mask=["mask", 0],
        x=0,
        y=0,
        resize_source=True,  # changes nothing where the sizes agree, as they should
    )
    graph["output"] = make_output(["composed", 0])
    return graph


def _is_scaled(plan: Plan) -> bool:
    return plan.parameters.image_size != (plan.parameters.width, plan.parameters.height)


def _add_working_copies(graph: Graph, plan: Plan) -> tuple[Value, Value]:
    """Return picture and mask in the size that is painted."""
    if not _is_scaled(plan):
        return ["image", 0], ["mask", 0]
    graph["scaled"] = make_scaling(["image", 0], plan.parameters, crop="disabled")
    graph["mask_image"] = make_node("MaskToImage", mask=["mask", 0])
    graph["mask_scaled"] = make_scaling(["mask_image", 0], plan.parameters, crop="disabled")
    # Averages instead of samples, so that no thin line of the mask is missed.
    graph["mask_scaled"]["inputs"]["upscale_method"] = "area"
    graph["mask_again"] = make_node("ImageToMask", image=["mask_scaled", 0], channel="red")
    return ["scaled", 0], ["mask_again", 0]


def _add_full_size(graph: Graph, plan: Plan) -> Value:
    if plan.parameters.image_size is None or not _is_scaled(plan):
        return ["decoder", 0]
    width, height = plan.parameters.image_size
    graph["painted"] = make_scaling(["decoder", 0], plan.parameters, crop="disabled")
    graph["painted"]["inputs"] |= {"width": width, "height": height}
    return ["painted", 0]


def _add_originals(graph: Graph, count: int) -> Value:
    """ComfyUI makes as many composites as there are pictures below."""
    if count == 1:
        return ["image", 0]
    graph["originals"] = make_node("RepeatImageBatch", image=["image", 0], amount=count)
    return ["originals", 0]
