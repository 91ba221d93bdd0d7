"""Runs samples of the documents against a running house, as a reader would in a terminal."""

import asyncio
import os
import sys
from pathlib import Path

from PIL import Image

from tests.sdk.samples import Sample, write_program
from tools import javascript

#: Stands in the documents for what every reader has another of.
_ADDRESS = "http://127.0.0.1:8000"
_PLACEHOLDERS = ("sk_test_…", "sk_live_…")


async def run_samples(
    samples: list[Sample], *, url: str, secret: str, folder: Path
) -> tuple[int, str]:
    """Run samples of one language; returns the exit code and all that was said."""
    _lay_out(folder, secret)
    filled = [_fill_in(sample, url, secret) for sample in samples]
    process = await asyncio.create_subprocess_exec(
        *write_program(filled, folder),
        cwd=folder,
        env={
            "PATH": os.pathsep.join(
                (str(Path(sys.executable).parent), str(javascript.find_bin()), "/usr/bin", "/bin")
            ),
            "HOME": str(folder),
            "COMFYHOUSE_URL": url,
            "COMFYHOUSE_API_KEY": secret,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


def _lay_out(folder: Path, secret: str) -> None:
    """Put there what the samples take for granted: photos, a mask, the SDK, the demo key."""
    Image.new("RGB", (128, 96), "navy").save(folder / "photo.jpg")
    Image.new("RGB", (128, 96), "navy").save(folder / "photo.png")
    mask = Image.new("L", (128, 96))
    mask.paste(255, (64, 0, 128, 96))
    mask.save(folder / "mask.png")
    scope = folder / "node_modules" / "@comfyhouse"
    scope.mkdir(parents=True)
    (scope / "client").symlink_to(javascript.SDK)
    (folder / "var").mkdir()
    (folder / "var" / "demo-key").write_text(secret + "\n")


def _fill_in(sample: Sample, url: str, secret: str) -> Sample:
    code = sample.code.replace(_ADDRESS, url)
    for placeholder in _PLACEHOLDERS:
        code = code.replace(placeholder, secret)
    return Sample(sample.page, sample.line, sample.language, code, None)
