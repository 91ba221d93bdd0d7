"""What a fleet offers in names: only the few classes that hold them are merged, for every request
asks, and a catalogue has hundreds.
"""

from collections.abc import Iterable

from comfyhoused.core.workflows.catalogue import Catalogue, merge_catalogues

_OFFERING = (
    "CheckpointLoaderSimple",
    "UNETLoader",
    "DualCLIPLoader",
    "VAELoader",
    "LoraLoader",
    "ControlNetLoader",
    "UpscaleModelLoader",
    "KSampler",
)


def merge_offers(catalogues: Iterable[Catalogue]) -> Catalogue:
    """Return the models, samplers and schedulers of at least one of the servers."""
    return merge_catalogues(_narrow(catalogue) for catalogue in catalogues)


def _narrow(catalogue: Catalogue) -> Catalogue:
    classes = catalogue.classes
    return Catalogue({name: classes[name] for name in _OFFERING if name in classes})
