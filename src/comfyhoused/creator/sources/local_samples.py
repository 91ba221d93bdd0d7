"""Samples of files: enough of their bytes to tell two photos of one burst, little to read."""

import hashlib
import os

_PARTS = 16
_PART_BYTES = 64 * 1024


def digest_parts(descriptor: int, size_bytes: int) -> str:
    """Return the MD5 of parts of an open file, from its beginning to its end, as hex.

    Sixteen of 64 KiB, evenly apart; a file of at most 1 MiB is read whole.
    """
    digest = hashlib.md5(usedforsecurity=False)
    last = max(size_bytes - _PART_BYTES, 0)
    is_small = size_bytes <= _PARTS * _PART_BYTES
    step = _PART_BYTES if is_small else last // (_PARTS - 1)
    for number in range(_PARTS):
        digest.update(os.pread(descriptor, _PART_BYTES, min(number * step, size_bytes)))
    if not is_small:
        digest.update(os.pread(descriptor, _PART_BYTES, last))
    return digest.hexdigest()
