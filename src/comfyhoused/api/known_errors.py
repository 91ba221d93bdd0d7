"""Every error a customer can see, by its code."""

from comfyhoused.core.files import recoding
from comfyhoused.core.jobs import endings, outbox
from comfyhoused.core.moderation import outputs
from comfyhoused.kit.errors import ComfyhouseError, list_error_classes

#: A class is known once its module is imported; these are raised in workers, never here.
RAISED_BY_WORKERS = (endings, outbox, outputs, recoding)


def find_error_class(code: str) -> type[ComfyhouseError] | None:
    """Return the class of an error; None for a code that is none."""
    _root, *below = list_error_classes()
    return {one.code: one for one in reversed(below)}.get(code)
