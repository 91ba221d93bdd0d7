"""What the servers offer to a mode of keys: to live ones, what may be sold."""

from collections.abc import Mapping

from comfyhoused.api.house import ApiHouse
from comfyhoused.api.key_secrets import KeyMode
from comfyhoused.core.workflows.catalogue import Catalogue
from comfyhoused.core.workflows.licences import check_named_licences, keep_sellable
from comfyhoused.core.workflows.merged_offer import merge_offers


async def list_offer(
    house: ApiHouse, mode: KeyMode, named: Mapping[str, str | None] | None = None
) -> list[Catalogue]:
    """Return the catalogues that templates choose from.

    `named` are the models that a request names, by pointer. Raises ModelNotLicensed for those
    that a live key may not use, and NoBackendYet.
    """
    catalogues = await house.catalogues.list_catalogues(mode)
    if mode == "test":
        return catalogues
    names = {pointer: name for pointer, name in (named or {}).items() if name is not None}
    check_named_licences(names, merge_offers(catalogues), house.models)
    return [keep_sellable(one, house.models) for one in catalogues]
