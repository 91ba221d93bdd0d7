"""What runs along IMAGE and MASK links, and the few rules every node shares.

IMAGE is float32 [batch, height, width, channels] with 3 or 4 channels in 0..1, MASK is float32
[batch, height, width] in 0..1 (1 = chosen). Values outside 0..1 may occur between nodes, as in
ComfyUI; they are clipped when a picture is written.
"""

import os
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Inputs = dict[str, dict[str, Any]]
"""What INPUT_TYPES returns: required, optional, hidden."""

_FLOAT_BYTES = 4
_CONTAINER_LIMIT = Path("/sys/fs/cgroup/memory.max")
_ASSUMED_MEMORY = 8 * 2**30
"""Where the system does not tell."""

_MEMORY_SHARE = 0.25
"""No array may take more than this share of the machine's memory: a step holds two or three."""


def check_allocation(*shape: int) -> None:
    """Refuse a float32 array of `shape` that this machine could not hold.

    Raises RuntimeError in the words of torch's allocator (recording d4): numpy would promise the
    memory and the kernel would kill the process when it is written to.
    """
    wanted = _FLOAT_BYTES
    for size in shape:
        wanted *= size
    if wanted > _memory_bytes() * _MEMORY_SHARE:
        raise RuntimeError(
            "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate "
            f"memory: you tried to allocate {wanted} bytes. Error code 12 (Cannot allocate memory)"
        )


@cache
def _memory_bytes() -> int:
    """Return what this machine, or the container we are in, has."""
    present = _ASSUMED_MEMORY
    if hasattr(os, "sysconf"):
        present = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = _CONTAINER_LIMIT.read_text().strip()
    except OSError:
        return present
    return min(present, int(limit)) if limit.isdigit() else present


def bytes_from_floats(pixels: Floats) -> Bytes:
    """Return 0..255, cut off and not rounded, as ComfyUI writes pictures."""
    levels = np.multiply(pixels, np.float32(255.0), dtype=np.float32)
    clipped: Bytes = np.clip(levels, 0, 255, out=levels).astype(np.uint8)
    return clipped


def floats_from_bytes(pixels: NDArray[Any]) -> Floats:
    """Return 0..255 as 0..1."""
    return pixels.astype(np.float32) / np.float32(255.0)


def as_mask_batch(mask: Floats) -> Floats:
    """Return [batch, height, width] of a mask that may lack the batch axis."""
    return mask.reshape(-1, mask.shape[-2], mask.shape[-1])


def repeat_to_batch(array: Floats, batch: int) -> Floats:
    """Cut `array` to `batch` entries, or go through it again from the start until it has them."""
    if len(array) == batch:
        return array
    return array[np.arange(batch) % len(array)]


def with_channels_of(reference: Floats, image: Floats) -> Floats:
    """Return `image` with as many channels as `reference`; a new alpha channel is opaque."""
    wanted, present = reference.shape[-1], image.shape[-1]
    if wanted <= present:
        return image[..., :wanted]
    opaque = np.ones((*image.shape[:-1], wanted - present), np.float32)
    return np.concatenate([image, opaque], axis=-1)
