"""Where an output node writes: subfolder, file name and the next free counter."""

import os
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class SavePlan:
    """`folder` exists; `counter` is the first free number; `subfolder` is relative, "" if none."""

    folder: Path
    name: str
    subfolder: str
    counter: int

    def file_name(self, extension: str, number: int = 0) -> str:
        """Return the name of the `number`th file; `%batch_num%` in the prefix becomes `number`."""
        name = self.name.replace("%batch_num%", str(number))
        return f"{name}_{self.counter + number:05}_.{extension}"

    def entry(self, file_name: str, kind: str) -> dict[str, str]:
        """Return what history and `executed` report about a file."""
        return {"filename": file_name, "subfolder": self.subfolder, "type": kind}


def plan_save(prefix: str, root: Path, width: int = 0, height: int = 0) -> SavePlan:
    """Resolve `prefix` below `root` and create its folder.

    A prefix may hold folders and the variables %width%, %height%, %year%, %month%, %day%, %hour%,
    %minute%, %second%. Raises Exception, with ComfyUI's text, when it leaves `root`.
    """
    normal = os.path.normpath(_fill_variables(prefix, width, height))
    subfolder, name = os.path.split(normal)
    output = os.path.abspath(root)  # noqa: PTH100 resolve() would follow links, ComfyUI does not
    folder = os.path.abspath(os.path.join(output, subfolder))  # noqa: PTH100, PTH118
    common = os.path.commonpath((output, folder))
    if common != output:
        raise Exception(
            "**** ERROR: Saving image outside the output folder is not allowed."
            f"\n full_output_folder: {folder}"
            f"\n         output_dir: {output}"
            f"\n         commonpath: {common}"
        )
    Path(folder).mkdir(parents=True, exist_ok=True)
    return SavePlan(Path(folder), name, subfolder, _next_counter(folder, name))


def _fill_variables(prefix: str, width: int, height: int) -> str:
    if "%" not in prefix:
        return prefix
    now = time.localtime()
    values = {
        "width": str(width),
        "height": str(height),
        "year": str(now.tm_year),
        "month": f"{now.tm_mon:02}",
        "day": f"{now.tm_mday:02}",
        "hour": f"{now.tm_hour:02}",
        "minute": f"{now.tm_min:02}",
        "second": f"{now.tm_sec:02}",
    }
    for key, value in values.items():
        prefix = prefix.replace(f"%{key}%", value)
    return prefix


def _next_counter(folder: str, name: str) -> int:
    start = f"{name}_"
    taken = (
        _leading_number(found[len(start) :])
        for found in os.listdir(folder)  # noqa: PTH208 the names alone, at half the cost
        if found.startswith(start)
    )
    return max(taken, default=0) + 1


def _leading_number(rest: str) -> int:
    digits = rest.split("_", 1)[0]
    return int(digits) if digits.isascii() and digits.isdigit() else 0
