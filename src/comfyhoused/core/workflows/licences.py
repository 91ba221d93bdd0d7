"""May what a workflow uses be sold? Licences are data: see models.toml."""

from collections.abc import Iterator

from comfyhoused.core.workflows.graph import Graph, escape_step
from comfyhoused.core.workflows.model_book import ModelBook
from comfyhoused.core.workflows.quoting import quote
from comfyhoused.kit.errors import FieldError, Forbidden

_ENDINGS = (".safetensors", ".sft", ".ckpt", ".pth", ".pt", ".bin", ".gguf", ".onnx")


class ModelNotLicensed(Forbidden):
    """The model's licence forbids selling its pictures, and the operator has no other one."""

    code = "model_not_licensed"
    title = "This model may not be used for sale"


def is_sellable(name: str, book: ModelBook) -> bool:
    """Tell whether nothing is known against selling what this file makes."""
    return book.get_facts(name).commercial is not False


def check_licences(graph: Graph, book: ModelBook) -> None:
    """Raise ModelNotLicensed for the first model files that may not be sold."""
    errors = [_make_error(step, name, book) for step, name in _list_unsellable(graph, book)]
    if errors:
        raise ModelNotLicensed(errors[0]["detail"], errors=errors)


def check_model_licence(name: str, pointer: str, book: ModelBook, allowed: list[str]) -> None:
    """Raise ModelNotLicensed for a model that a parameter names; `allowed` is what to take."""
    if not is_sellable(name, book):
        error = _make_error(pointer, name, book)
        error["allowed"] = allowed
        raise ModelNotLicensed(error["detail"], errors=[error])


def _list_unsellable(graph: Graph, book: ModelBook) -> Iterator[tuple[str, str]]:
    for node_id, node in graph.items():
        for name, value in node["inputs"].items():
            is_model = isinstance(value, str) and value.lower().endswith(_ENDINGS)
            if is_model and not is_sellable(str(value), book):
                yield f"/{escape_step(node_id)}/inputs/{escape_step(name)}", str(value)


def _make_error(pointer: str, name: str, book: ModelBook) -> FieldError:
    licence = book.get_facts(name).licence or "its licence"
    detail = f"{quote(name)} may not be used for sale ({licence}); keys of test mode may use it"
    return FieldError(pointer=pointer, detail=detail)
