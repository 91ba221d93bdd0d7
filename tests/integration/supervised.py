"""A supervisor in a process of its own, for tests to kill: `python supervised.py FOLDER CHILD…`.

A child is a name and a Python program, separated by `=`. It prints `up` when all have started.
"""

import asyncio
import logging
import sys
from pathlib import Path

from comfyhoused.embedded.child import Part
from comfyhoused.embedded.supervisor import Supervisor


async def main(folder: Path, children: list[str]) -> None:
    supervisor = Supervisor(folder / "log", grace_seconds=0.5)
    for child in children:
        name, program = child.split("=", 1)
        ready_file = folder / f"{name}.ready"

        async def is_ready(ready_file: Path = ready_file) -> bool:
            return ready_file.exists()

        await supervisor.start(Part(name, (sys.executable, "-c", program), is_ready))
    print("up", flush=True)
    await asyncio.Event().wait()


logging.basicConfig(level=logging.INFO)
asyncio.run(main(Path(sys.argv[1]), sys.argv[2:]))
