"""The capability catalogue: which node classes, models and choices one ComfyUI server offers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from comfyhoused.core.workflows.graph import Graph, Scalar
from comfyhoused.core.workflows.inputs import InputSpec, parse_input


@dataclass(frozen=True)
class NodeClass:
    """One node class. `outputs` are the types of its outputs, in order.

    `widgets` are the inputs with a field in the editor, in its order; None where the server
    does not tell the order.
    """

    inputs: Mapping[str, InputSpec]
    outputs: tuple[str, ...] = ()
    is_output: bool = False
    is_api_node: bool = False
    widgets: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Catalogue:
    """What one server (or, merged, any server of a fleet) can run."""

    classes: Mapping[str, NodeClass]

    def find_choices(self, class_type: str, input_name: str) -> tuple[str, ...]:
        """Return the choices of an input that are text; none for an unknown class or input."""
        choices = self.find_scalar_choices(class_type, input_name)
        return tuple(choice for choice in choices if isinstance(choice, str))

    def find_scalar_choices(self, class_type: str, input_name: str) -> tuple[Scalar, ...]:
        """Return all choices of an input; none for an unknown class or input."""
        node_class = self.classes.get(class_type)
        spec = node_class.inputs.get(input_name) if node_class else None
        return spec.choices if spec and spec.choices else ()

    def can_run(self, graph: Graph) -> bool:
        """Tell whether this server has every class of the graph and every choice made in it."""
        return all(
            self._can_take(node["class_type"], name, value)
            for node in graph.values()
            for name, value in [("", None), *node["inputs"].items()]
        )

    def _can_take(self, class_type: str, name: str, value: object) -> bool:
        node_class = self.classes.get(class_type)
        if node_class is None:
            return False
        spec = node_class.inputs.get(name)
        if spec is None or spec.choices is None or not isinstance(value, str | int | float):
            return True
        return value in spec.choices

    @property
    def checkpoints(self) -> tuple[str, ...]:
        """Files in the server's models/checkpoints."""
        return self.find_choices("CheckpointLoaderSimple", "ckpt_name")

    @property
    def diffusion_models(self) -> tuple[str, ...]:
        """Files in models/diffusion_models: they need text encoders and a VAE besides."""
        return self.find_choices("UNETLoader", "unet_name")

    @property
    def text_encoders(self) -> tuple[str, ...]:
        return self.find_choices("DualCLIPLoader", "clip_name1")

    @property
    def vaes(self) -> tuple[str, ...]:
        return self.find_choices("VAELoader", "vae_name")

    @property
    def samplers(self) -> tuple[str, ...]:
        return self.find_choices("KSampler", "sampler_name")

    @property
    def schedulers(self) -> tuple[str, ...]:
        return self.find_choices("KSampler", "scheduler")

    @property
    def loras(self) -> tuple[str, ...]:
        return self.find_choices("LoraLoader", "lora_name")

    @property
    def controlnets(self) -> tuple[str, ...]:
        return self.find_choices("ControlNetLoader", "control_net_name")

    @property
    def upscalers(self) -> tuple[str, ...]:
        return self.find_choices("UpscaleModelLoader", "model_name")


def parse_catalogue(object_info: Mapping[str, object]) -> Catalogue:
    """Read the document of GET /object_info. A class of unknown shape is left out."""
    parsed = {name: _parse_class(name, raw) for name, raw in object_info.items()}
    return Catalogue({name: found for name, found in parsed.items() if found is not None})


def _parse_class(class_type: str, raw: object) -> NodeClass | None:
    if not isinstance(raw, dict) or not isinstance(raw.get("input"), dict):
        return None
    outputs = raw.get("output")
    module = raw.get("python_module")
    inputs = _parse_inputs(class_type, raw["input"])
    return NodeClass(
        inputs=inputs,
        outputs=tuple(_name_type(one) for one in outputs) if isinstance(outputs, list) else (),
        is_output=raw.get("output_node") is True,
        is_api_node=raw.get("api_node") is True
        or (isinstance(module, str) and module.startswith("comfy_api_nodes")),
        widgets=_list_widgets(raw.get("input_order"), inputs),
    )


def _list_widgets(order: object, inputs: Mapping[str, InputSpec]) -> tuple[str, ...] | None:
    if not isinstance(order, dict):  # the object of inputs itself is kept with its keys sorted
        return None
    names = [name for section in ("required", "optional") for name in order.get(section) or ()]
    return tuple(name for name in names if name in inputs and inputs[name].is_widget)


def _parse_inputs(class_type: str, raw: Mapping[str, object]) -> dict[str, InputSpec]:
    found: dict[str, InputSpec] = {}
    for section in ("optional", "required"):
        entries = raw.get(section)
        for name, entry in (entries if isinstance(entries, dict) else {}).items():
            spec = parse_input(class_type, name, entry, required=section == "required")
            if spec is not None:
                found[name] = spec
    return found


def _name_type(output: object) -> str:
    return output if isinstance(output, str) else "COMBO"  # older nodes give the list of choices


def merge_catalogues(catalogues: Iterable[Catalogue]) -> Catalogue:
    """Return what at least one of the servers offers, for lists such as GET /models.

    Choices are joined in order. Never check a graph against it: no single server may
    have all of it; see `validation.check_graph_on_any`.
    """
    merged: dict[str, NodeClass] = {}
    for catalogue in catalogues:
        for name, node_class in catalogue.classes.items():
            known = merged.get(name)
            merged[name] = _join_classes(known, node_class) if known else node_class
    return Catalogue(merged)


def _join_classes(first: NodeClass, second: NodeClass) -> NodeClass:
    new = {
        name: _join_specs(first.inputs[name], spec) if name in first.inputs else spec
        for name, spec in second.inputs.items()
        if name not in first.inputs or spec.choices != first.inputs[name].choices
    }
    return replace(first, inputs={**first.inputs, **new}) if new else first


def _join_specs(first: InputSpec, second: InputSpec) -> InputSpec:
    if first.choices is None or second.choices is None:
        return first
    return replace(first, choices=tuple(dict.fromkeys((*first.choices, *second.choices))))
