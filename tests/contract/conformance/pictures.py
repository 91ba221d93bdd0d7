"""The files that the recorded uploads consisted of, made anew: only their kind mattered."""

from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

RED, BLUE, GREEN = (255, 0, 0), (0, 0, 255), (0, 128, 0)
_BLUE_UPLOADS = ("102", "103", "175")


def make_png(color: tuple[int, ...], size: tuple[int, int] = (64, 64)) -> bytes:
    """Return a PNG of one colour; four numbers make it RGBA."""
    file = BytesIO()
    Image.new("RGBA" if len(color) == 4 else "RGB", size, color).save(file, "PNG")
    return file.getvalue()


def make_content(exchange: str, part: dict[str, Any]) -> bytes:
    """Return the bytes for a part of a recorded upload."""
    if part["length"] == 0:
        return b""
    if part["content_type"] == "text/plain":
        return b"this is not an image"
    if part["filename"] == "corrupt.png":
        return make_png(RED)[:60]
    if "mask" in exchange or part["filename"] == "rgba.png":
        return make_png((255, 0, 0, 128))
    return make_png(BLUE if exchange[:3] in _BLUE_UPLOADS else RED)


def make_huge_file(path: Path, size_bytes: int) -> Path:
    """Make a file of zeros that takes no space."""
    with path.open("wb") as file:
        file.truncate(size_bytes)
    return path


def write_input_pictures(folder: Path) -> None:
    """Write the pictures that the transcripts of image workflows load."""
    folder.mkdir(parents=True, exist_ok=True)
    gradient = Image.linear_gradient("L").resize((128, 128))
    source = Image.merge("RGB", (gradient, gradient.rotate(90), gradient.rotate(180)))
    source.save(folder / "src.png")
    source.resize((96, 96)).save(folder / "src2.png")
    source.save(folder / "chg.png")
    mask = Image.new("RGBA", (128, 128), (255, 255, 255, 255))
    mask.putalpha(gradient)
    mask.save(folder / "mask.png")
    (folder / "notes.txt").write_text("this is not an image")
    (folder / "corrupt.png").write_bytes(make_png(RED, (64, 64))[:-30])
    (folder / "up.png").write_bytes(make_png(RED))
    (folder / "rgba.png").write_bytes(make_png((255, 0, 0, 128)))
    (folder / "noise.png").write_bytes(make_png(GREEN, (128, 128)))
