"""How large a workflow may be."""

from dataclasses import dataclass


@dataclass(frozen=True)
class WorkflowLimits:
    """Counts. Pixels are width × height × batch written into one node: 256 megapixels of
    ComfyUI's 32-bit floats are 3 GB.
    """

    max_nodes: int = 500
    max_chain: int = 200
    max_inputs_per_node: int = 200
    max_text_characters: int = 100_000
    max_total_characters: int = 1_000_000
    max_pixels_per_node: int = 256 * 1024 * 1024
    max_errors: int = 50


DEFAULT_LIMITS = WorkflowLimits()
