"""A WebP's chunks, as far as Pillow does not tell. Source: "WebP Container Specification"."""

from pathlib import Path

_MOST_CHUNKS = 1_000


def is_lossless_webp(path: Path) -> bool:
    """Tell whether its pixels are in a VP8L chunk."""
    with path.open("rb") as file:
        file.seek(12)
        for _ in range(_MOST_CHUNKS):
            head = file.read(8)
            if len(head) < 8 or head[:4] == b"VP8 ":
                return False
            if head[:4] == b"VP8L":
                return True
            length = int.from_bytes(head[4:], "little")
            file.seek(length + length % 2, 1)
    return False
