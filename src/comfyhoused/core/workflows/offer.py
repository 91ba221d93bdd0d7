"""Do the servers have what the parameters name? If not: what is there instead."""

from collections.abc import Iterator, Sequence

from comfyhoused.core.workflows.catalogue import Catalogue
from comfyhoused.core.workflows.control import (
    Control,
    find_way,
    list_offered_types,
    list_preprocessed_types,
)
from comfyhoused.core.workflows.merged_offer import merge_offers
from comfyhoused.core.workflows.model_book import UNKNOWN_FAMILY, Family, ModelBook
from comfyhoused.core.workflows.painters import find_reason, list_painters
from comfyhoused.core.workflows.parameters import GenerateParameters
from comfyhoused.core.workflows.quoting import quote
from comfyhoused.core.workflows.values import MOST_CHOICES_SHOWN
from comfyhoused.kit.errors import FieldError


def find_offer_errors(
    parameters: GenerateParameters, catalogues: Sequence[Catalogue], book: ModelBook
) -> list[FieldError]:
    """Return what no server has, with pointers such as `/model` and what is `allowed`."""
    merged = merge_offers(catalogues)
    painters = list_painters(catalogues, book)
    painter = painters.get(parameters.model)
    found = [
        *check_choice("/sampler_name", parameters.sampler_name, merged.samplers),
        *check_choice("/scheduler", parameters.scheduler, merged.schedulers),
    ]
    if painter is None:
        return [_refuse_model(parameters.model, merged, book, list(painters)), *found]
    found += _check_loras(parameters, painter.family, merged, book)
    found += _check_family(parameters, painter.family)
    if parameters.control is not None:
        found += _check_control(parameters.control, painter.family, catalogues, book)
    return found


def _refuse_model(
    model: str, merged: Catalogue, book: ModelBook, offered: Sequence[str]
) -> FieldError:
    if model in (*merged.checkpoints, *merged.diffusion_models):
        detail = f"{quote(model)} cannot be used here: {find_reason(model, merged, book)}"
        return FieldError(pointer="/model", detail=detail, allowed=_show(offered))
    return next(check_choice("/model", model, offered))


def _check_loras(
    parameters: GenerateParameters, family: Family, merged: Catalogue, book: ModelBook
) -> Iterator[FieldError]:
    fitting = [name for name in merged.loras if _may_join(book.get_facts(name).family, family)]
    for index, lora in enumerate(parameters.loras):
        pointer = f"/loras/{index}/name"
        if lora.name in merged.loras and lora.name not in fitting:
            made_for = book.get_facts(lora.name).family
            detail = f"{quote(lora.name)} was made for {made_for}, the model is {family.name}"
            yield FieldError(pointer=pointer, detail=detail, allowed=_show(fitting))
        else:
            yield from check_choice(pointer, lora.name, fitting)


def _may_join(lora_family: str, family: Family) -> bool:
    return UNKNOWN_FAMILY in (lora_family, family.name) or lora_family == family.name


def _check_family(parameters: GenerateParameters, family: Family) -> Iterator[FieldError]:
    if family.texts == "flux" and parameters.negative_prompt.strip():
        detail = "models of the family flux do not read a negative prompt; leave it out"
        yield FieldError(pointer="/negative_prompt", detail=detail)


def _check_control(
    control: Control, family: Family, catalogues: Sequence[Catalogue], book: ModelBook
) -> Iterator[FieldError]:
    offered = list_offered_types(catalogues, book, family)
    if control.type not in offered:
        detail = f"{quote(control.type)} is not offered for models of the family {family.name}"
        if not offered:
            detail += "; there is no ControlNet for it"
        yield FieldError(pointer="/controlnet_type", detail=detail, allowed=_show(offered))
    elif not any(
        find_way(control.type, control.preprocess, family, one, book) for one in catalogues
    ):
        detail = (
            f"no server can turn a picture into a map for {quote(control.type)}; "
            "send a ready map without controlnet_preprocess"
        )
        able = [name for name in list_preprocessed_types(catalogues, book) if name in offered]
        yield FieldError(pointer="/controlnet_preprocess", detail=detail, allowed=_show(able))


def check_choice(pointer: str, name: str, choices: Sequence[str]) -> Iterator[FieldError]:
    """Yield an error that names the choices if the name is none of them."""
    if name not in choices:
        detail = f"{quote(name)} is not offered" + ("; there is none" if not choices else "")
        yield FieldError(pointer=pointer, detail=detail, allowed=_show(choices))


def _show(names: Sequence[str]) -> list[str]:
    return list(names[:MOST_CHOICES_SHOWN])
