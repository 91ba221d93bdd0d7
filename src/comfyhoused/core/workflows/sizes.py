"""Sizes written into a node: ComfyUI takes 16384 × 16384 × 4096 images and then has no memory."""

from collections.abc import Mapping

from comfyhoused.core.workflows.limits import WorkflowLimits

_COUNTS = ("batch_size", "length", "amount", "num_frames")


def find_size_fault(inputs: Mapping[str, object], limits: WorkflowLimits) -> str | None:
    """Return what is too large about a node's literal width, height and count, or None."""
    width, height = inputs.get("width"), inputs.get("height")
    if type(width) is not int or type(height) is not int:
        return None
    pixels = width * height
    for name in _COUNTS:
        count = inputs.get(name)
        pixels *= count if type(count) is int else 1
    if pixels > limits.max_pixels_per_node:
        most = limits.max_pixels_per_node // (1024 * 1024)
        return f"width × height × number of pictures is more than {most} megapixels"
    return None
