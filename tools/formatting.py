"""Python text in the shape that `make check` wants."""

import subprocess
import sys
from pathlib import Path


def format_python(text: str, path: Path) -> str:
    """Return the text as ruff would write it at that path."""
    command = [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(path), "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout
