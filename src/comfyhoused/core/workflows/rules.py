"""What one check of a workflow goes by."""

from dataclasses import dataclass

from comfyhoused.core.workflows.catalogue import Catalogue, NodeClass
from comfyhoused.core.workflows.graph import Place
from comfyhoused.core.workflows.limits import WorkflowLimits
from comfyhoused.core.workflows.policy import NodePolicy
from comfyhoused.core.workflows.shape import RawNodes


@dataclass(frozen=True)
class Rules:
    """One server's catalogue, the operator's policy, the limits; `root` begins every pointer."""

    catalogue: Catalogue
    policy: NodePolicy
    limits: WorkflowLimits
    root: str

    def make_place(self, node_id: str, nodes: RawNodes) -> Place:
        return Place(self.root, node_id, str(nodes[node_id]["class_type"]))

    def find_class(self, node_id: str, nodes: RawNodes) -> NodeClass | None:
        return self.catalogue.classes.get(str(nodes[node_id]["class_type"]))

    def list_outputs(self, nodes: RawNodes) -> list[str]:
        """Return the nodes that ComfyUI starts from."""
        found = [(node_id, self.find_class(node_id, nodes)) for node_id in nodes]
        return [node_id for node_id, node_class in found if node_class and node_class.is_output]
