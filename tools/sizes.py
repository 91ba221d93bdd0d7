"""Lines per file and per function beside examples of good style: printed, a habit, not a law."""

import ast
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# name: files, lines per file (median, 90 %, max), lines per function (median, 90 %, max)
ANCHORS = {
    "starlette": (33, (145, 548, 876), (5, 27, 149)),
    "httpx": (23, (248, 641, 2019), (9, 34, 133)),
    "dramatiq": (55, (83, 370, 708), (7, 25, 185)),
    "comfy-python-sdk": (17, (126, 346, 745), (5, 21, 50)),
}
_LONG_FILE, _LONG_FUNCTION = 250, 25
_SHOWN = 10


@dataclass(frozen=True)
class Measured:
    """Something with a length in lines, and where it is."""

    lines: int
    place: str


def list_files(folder: Path) -> list[Measured]:
    """Return every Python file below the folder."""
    return [
        Measured(len(path.read_text().splitlines()), str(path.relative_to(ROOT)))
        for path in sorted(folder.rglob("*.py"))
    ]


def list_functions(folder: Path) -> list[Measured]:
    """Return every function and method below the folder, inner ones too."""
    found = []
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                place = f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
                found.append(Measured(lines, place))
    return found


def summarise(measured: Sequence[Measured]) -> tuple[int, int, int]:
    """Return median, 90th percentile and maximum of the lines."""
    lines = sorted(item.lines for item in measured) or [0]
    last = len(lines) - 1
    return lines[last // 2], lines[round(last * 0.9)], lines[last]


def write_row(name: str, files: int, of_files: Sequence[int], of_functions: Sequence[int]) -> str:
    """Return one line of the table."""
    columns = "/".join(map(str, of_files)), "/".join(map(str, of_functions))
    return f"  {name:<26}{files:>5}   {columns[0]:<16}{columns[1]:<14}"


def write_report(folders: Sequence[Path]) -> str:
    """Return the table of the folders and the anchors, and what is longest."""
    lines = [f"  {'':<26}files   {'lines/file':<16}lines/function   (median/90 %/max)"]
    files: list[Measured] = []
    functions: list[Measured] = []
    for folder in folders:
        own_files, own_functions = list_files(folder), list_functions(folder)
        name = str(folder.relative_to(ROOT))
        lines.append(
            write_row(name, len(own_files), summarise(own_files), summarise(own_functions))
        )
        files += own_files
        functions += own_functions
    lines += [write_row(name, *numbers) for name, numbers in ANCHORS.items()]
    lines += ["", *write_longest("files", files, _LONG_FILE)]
    lines += ["", *write_longest("functions", functions, _LONG_FUNCTION)]
    return "\n".join(lines)


def write_longest(kind: str, measured: Sequence[Measured], limit: int) -> list[str]:
    """Return how many are over the limit, and the longest of them."""
    over = sorted((item for item in measured if item.lines > limit), key=lambda item: -item.lines)
    share = 100 * len(over) / max(len(measured), 1)
    head = f"  {len(over)} of {len(measured)} {kind} ({share:.0f} %) have over {limit} lines:"
    return [head, *(f"    {item.lines:>5}  {item.place}" for item in over[:_SHOWN])]


def main() -> None:
    folders = [path for path in sorted((ROOT / "src").iterdir()) if any(path.glob("*.py"))]
    folders += [ROOT / name for name in ("tests", "bench", "tools") if (ROOT / name).is_dir()]
    sys.stdout.write(write_report(folders) + "\n")


if __name__ == "__main__":
    main()
