"""The samples of the documents: found, and run in their order as a reader would paste them.

Every fenced block marked `bash`, `sh`, `python`, `js` or `ts` is a sample. Those of one page and
language run in one process, so that a later one may use what an earlier one has set. What cannot be
run here says why in a comment right above it: `<!-- not run: why -->`.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
#: Run by test_quickstart.py, with a key that was made as the page says.
QUICKSTART = "docs/api/quickstart.md"
_PAGES = ("README.md", "docs/api/*.md", "docs/shared/*.md", "sdk/*/README.md")
_LANGUAGES = {
    "bash": "bash",
    "sh": "bash",
    "console": "bash",
    "python": "python",
    "js": "js",
    "javascript": "js",
    "ts": "js",
    "typescript": "js",
}
_FENCE = re.compile(r"^( *)```(\w+)[^\n]*\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
_ESCAPED = re.compile(r"^(?: {4}|\t)(?:curl|comfyhouse|from comfyhouse) .*", re.MULTILINE)
_MARK = re.compile(r"<!-- not run: (.*?) -->\s*\Z", re.DOTALL)

_BASH = """\
set -eEuo pipefail
curl() { command curl --fail-with-body "$@"; }
trap 'echo "sample failed at $WHERE" >&2' ERR
"""
_PYTHON = """\
import pathlib, sys
names = {"__name__": "__main__"}
for path in sys.argv[1:]:
    exec(compile(pathlib.Path(path).read_text(), path, "exec"), names)
"""


@dataclass(frozen=True, slots=True)
class Sample:
    """One fenced block: where its code begins, and why it is not run, if so."""

    page: str
    line: int
    language: str
    code: str
    why_not: str | None

    @property
    def where(self) -> str:
        return f"{self.page}:{self.line}"


def list_samples() -> list[Sample]:
    """Return every sample of our documents."""
    return [sample for page, text in _read_pages() for sample in find_samples(text, page)]


def list_unfenced() -> list[str]:
    """Return what looks like a sample and stands in no block: nobody would ever run it."""
    return [
        f"{page}: {line[0]}"
        for page, text in _read_pages()
        for line in _ESCAPED.finditer(_FENCE.sub("", text))
    ]


def _read_pages() -> Iterator[tuple[str, str]]:
    for path in sorted({path for pattern in _PAGES for path in REPOSITORY.glob(pattern)}):
        yield str(path.relative_to(REPOSITORY)), path.read_text()


def find_samples(text: str, page: str) -> Iterator[Sample]:
    """Yield the samples of one page, in their order."""
    for fence in _FENCE.finditer(text):
        language = _LANGUAGES.get(fence[2])
        if language is None:
            continue
        mark = _MARK.search(text[: fence.start()])
        line = text.count("\n", 0, fence.start(3)) + 1
        code = re.sub(rf"^{fence[1]}", "", fence[3], flags=re.MULTILINE)
        yield Sample(page, line, language, code, mark[1].strip() if mark else None)


def write_program(samples: list[Sample], folder: Path) -> list[str]:
    """Write samples of one language into the folder; returns the command that runs them."""
    return {"bash": _write_bash, "python": _write_python, "js": _write_js}[samples[0].language](
        samples, folder
    )


def _write_bash(samples: list[Sample], folder: Path) -> list[str]:
    script = folder / "samples.sh"
    blocks = [f"WHERE={shlex.quote(sample.where)}\n{sample.code}" for sample in samples]
    script.write_text(_BASH + "\n".join(blocks))
    return ["bash", str(script)]


def _write_python(samples: list[Sample], folder: Path) -> list[str]:
    """Each sample a file with its lines where the page has them, so that a traceback names them."""
    paths = []
    for number, sample in enumerate(samples):
        path = folder / f"{number} {sample.page.replace('/', ' ')}.py"
        path.write_text("\n" * (sample.line - 1) + sample.code)
        paths.append(str(path))
    return ["python", "-c", _PYTHON, *paths]


def _write_js(samples: list[Sample], folder: Path) -> list[str]:
    """A sample with imports begins a module; those without them go on in it, in a scope each."""
    modules: list[str] = []
    for sample in samples:
        code = f"// {sample.where}\n{sample.code}"
        if re.search(r"^import ", sample.code, re.MULTILINE) or not modules:
            modules.append(code)
        else:
            modules[-1] += f"{{\n{code}}}\n"
    for number, code in enumerate(modules):
        (folder / f"{number}.mjs").write_text(code)
    main = folder / "samples.mjs"
    main.write_text("".join(f'await import("./{n}.mjs");\n' for n in range(len(modules))))
    return ["node", "--enable-source-maps", str(main)]
