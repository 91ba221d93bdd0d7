"""Which life of the process this is: ComfyUI's queue and history do not outlive it."""

from __future__ import annotations

import uuid

from .fence import Fence
from .version import PACK_VERSION

BOOT_ID = str(uuid.uuid4())


def hello(fence: Fence) -> dict[str, object]:
    """Return what GET /comfyhouse/hello says: pack version, boot id, and what the pack does."""
    return {
        "pack": PACK_VERSION,
        "boot_id": BOOT_ID,
        "fence": True,
        "cleanup": True,
        "attempts_refused": fence.refused_count,
    }
