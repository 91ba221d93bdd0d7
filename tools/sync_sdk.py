"""Writes the synchronous twin of the Python SDK from the asynchronous one: `make docs`."""

import re
from pathlib import Path

from tools.formatting import format_python

PACKAGE = Path(__file__).resolve().parents[1] / "sdk" / "python" / "src" / "comfyhouse"
SOURCE, TARGET = PACKAGE / "_async", PACKAGE / "_sync"

_HEAD = "# Written from comfyhouse/_async by `make docs`: change it there.\n"
_RULES = (
    (r"\basync (def|with|for)\b", r"\1"),
    (r"\bawait ", ""),
    (r"\basyncio\.sleep\b", "time.sleep"),
    (r"^import asyncio\n", "import time\n"),
    (r"\bhttpx\.AsyncClient\b", "httpx.Client"),
    (r"\bAsync(Client|Transport|Pictures|Iterator)\b", r"\1"),
    (r"\bAsync([A-Z]\w*)\b", r"\1"),
    (r"\basynccontextmanager\b", "contextmanager"),
    (r"\b__a(enter|exit|iter)__\b", r"__\1__"),
    (r"\ba(close|read|iter_\w+)\b", r"\1"),
    (r"\bcomfyhouse\._async\b", "comfyhouse._sync"),
    (r"\bAsynchronous\b", "Synchronous"),
)


def write_twin(text: str) -> str:
    """Return a file of `_async` as it stands in `_sync`."""
    for pattern, replacement in _RULES:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    return _HEAD + _drop_repeated_imports(text)


def _drop_repeated_imports(text: str) -> str:
    lines: list[str] = []
    for line in text.splitlines(keepends=True):
        if line.startswith("import ") and line in lines:
            continue
        lines.append(line)
    return "".join(lines)


def list_twins() -> dict[Path, str]:
    """Return every file that `_sync` must hold, with its content."""
    return {
        TARGET / path.name: format_python(write_twin(path.read_text()), TARGET / path.name)
        for path in sorted(SOURCE.glob("*.py"))
        if path.name != "__init__.py"
    }


def main() -> None:
    """Write them."""
    TARGET.mkdir(exist_ok=True)
    (TARGET / "__init__.py").write_text('"""The synchronous client, written from `_async`."""\n')
    for path, text in list_twins().items():
        path.write_text(text)


if __name__ == "__main__":
    main()
