"""Which node classes a workflow may use: the operator's decision."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from comfyhoused.core.workflows.audited_nodes import AUDITED, REFUSED
from comfyhoused.core.workflows.catalogue import NodeClass
from comfyhoused.settings import NodeSettings


@dataclass(frozen=True)
class NodePolicy:
    """Allowed by name or by prefix; refused by name, which wins. By default: ComfyUI's own
    nodes that were audited, and our pack. An operator who allows a custom node vouches for it.
    """

    allowed: frozenset[str] = AUDITED
    refused: Mapping[str, str] = field(default_factory=lambda: REFUSED)
    allowed_prefixes: tuple[str, ...] = ("Comfyhouse",)
    allows_api_nodes: bool = False

    def allows(self, class_type: str) -> bool:
        """Tell whether the name is on the list (API nodes need `allows_api_nodes` besides)."""
        if class_type in self.refused:
            return False
        return class_type in self.allowed or class_type.startswith(self.allowed_prefixes)

    def find_refusal(self, class_type: str, node_class: NodeClass) -> str | None:
        """Return the reason why the class may not be used, or None."""
        if class_type in self.refused:
            return self.refused[class_type]
        if node_class.is_api_node:
            if not self.allows_api_nodes:
                return "nodes that call paid services of others are switched off"
        elif not self.allows(class_type):
            return "it is not on the operator's list of allowed nodes"
        if node_class.is_output and "filename_prefix" not in node_class.inputs:
            is_kept = class_type in REPLACED_OUTPUTS or class_type in TEXT_OUTPUTS
            return None if is_kept else "it does not save its result"
        return None


def make_policy(settings: NodeSettings) -> NodePolicy:
    """Return the default policy with the operator's own lists; what is refused wins."""
    names = frozenset(name for name in settings.nodes_allowed if not name.endswith("*"))
    prefixes = tuple(name[:-1] for name in settings.nodes_allowed if name.endswith("*"))
    ours = {name: reason for name, reason in REFUSED.items() if name not in names}
    theirs = dict.fromkeys(settings.nodes_refused, "the operator does not allow it")
    default = NodePolicy()
    return NodePolicy(
        allowed=default.allowed | names,
        refused={**ours, **theirs},
        allowed_prefixes=(*default.allowed_prefixes, *prefixes),
        allows_api_nodes=settings.nodes_api,
    )


TEXT_OUTPUTS = frozenset({"PreviewAny"})
"""Output nodes that show a text, which the history tells of and which is handed over."""

REPLACED_OUTPUTS = {
    "PreviewImage": "SaveImage",
    "MaskPreview": "SaveImage",
    "PreviewAudio": "SaveAudio",
}
"""Output nodes that only show: what takes their place, so that there is something to keep."""
