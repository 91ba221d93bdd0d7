"""May what a workflow uses be sold? Licences are data: see models.toml."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from comfyhoused.core.workflows.catalogue import Catalogue
from comfyhoused.core.workflows.graph import Graph, escape_step
from comfyhoused.core.workflows.model_book import ModelBook
from comfyhoused.core.workflows.quoting import quote
from comfyhoused.core.workflows.values import MOST_CHOICES_SHOWN
from comfyhoused.kit.errors import FieldError, Forbidden

_ENDINGS = (".safetensors", ".sft", ".ckpt", ".pth", ".pt", ".bin", ".gguf", ".onnx")


class ModelNotLicensed(Forbidden):
    """The model's licence forbids selling its pictures, and the operator has no other one."""

    code = "model_not_licensed"
    title = "This model may not be used for sale"


_LOADERS = (
    ("CheckpointLoaderSimple", "ckpt_name"),
    ("UNETLoader", "unet_name"),
    ("DualCLIPLoader", "clip_name1"),
    ("DualCLIPLoader", "clip_name2"),
    ("VAELoader", "vae_name"),
    ("LoraLoader", "lora_name"),
    ("ControlNetLoader", "control_net_name"),
    ("UpscaleModelLoader", "model_name"),
)
"""What our templates load models with."""


def is_sellable(name: str, book: ModelBook) -> bool:
    """Tell whether nothing is known against selling what this file makes."""
    return book.get_facts(name).commercial is not False


def keep_sellable(catalogue: Catalogue, book: ModelBook) -> Catalogue:
    """Return what the server offers for sale: our templates then choose from nothing else."""
    classes = dict(catalogue.classes)
    for class_type, name in _LOADERS:
        node_class = classes.get(class_type)
        spec = node_class.inputs.get(name) if node_class else None
        if node_class is None or spec is None or spec.choices is None:
            continue
        choices = tuple(one for one in spec.choices if is_sellable(str(one), book))
        inputs = {**node_class.inputs, name: replace(spec, choices=choices)}
        classes[class_type] = replace(node_class, inputs=inputs)
    return Catalogue(classes)


def check_licences(graph: Graph, book: ModelBook) -> None:
    """Raise ModelNotLicensed where a workflow loads model files that may not be sold."""
    _raise_if([_make_error(step, name, book) for step, name in _list_unsellable(graph, book)])


def check_named_licences(named: Mapping[str, str], catalogue: Catalogue, book: ModelBook) -> None:
    """Raise ModelNotLicensed for models that parameters name, from pointer → name, and say which
    of the same kind may be taken. `catalogue` is all that the servers have.
    """
    errors = []
    for pointer, name in named.items():
        for kind in _list_kinds(catalogue):
            meant = [one for one in kind if name in (one, one.rpartition(".")[0])]
            if meant and not any(is_sellable(one, book) for one in meant):
                error = _make_error(pointer, meant[0], book)
                sellable = [one for one in kind if is_sellable(one, book)]
                error["allowed"] = sellable[:MOST_CHOICES_SHOWN]
                errors.append(error)
    _raise_if(errors)


def _list_kinds(catalogue: Catalogue) -> tuple[tuple[str, ...], ...]:
    models = (*catalogue.checkpoints, *catalogue.diffusion_models)
    return models, catalogue.loras, catalogue.upscalers


def _raise_if(errors: list[FieldError]) -> None:
    if errors:
        raise ModelNotLicensed(errors[0]["detail"], errors=errors)


def _list_unsellable(graph: Graph, book: ModelBook) -> Iterator[tuple[str, str]]:
    for node_id, node in graph.items():
        for name, value in node["inputs"].items():
            is_model = isinstance(value, str) and value.lower().endswith(_ENDINGS)
            if is_model and not is_sellable(str(value), book):
                yield f"/workflow/{escape_step(node_id)}/inputs/{escape_step(name)}", str(value)


def _make_error(pointer: str, name: str, book: ModelBook) -> FieldError:
    licence = book.get_facts(name).licence or "its licence"
    detail = f"{quote(name)} may not be used for sale ({licence}); keys of test mode may use it"
    return FieldError(pointer=pointer, detail=detail)
