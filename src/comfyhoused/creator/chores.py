"""Creator's chores, which every worker does beside its jobs."""

from collections.abc import Coroutine
from typing import Any

from comfyhoused.creator.edits.chores import list_edit_chores
from comfyhoused.creator.house import CreatorHouse


def list_chores(house: CreatorHouse, name: str) -> list[Coroutine[Any, Any, object]]:
    """Return each chore as work without an end; `name` is under what this worker takes leases."""
    return list_edit_chores(house, name)
