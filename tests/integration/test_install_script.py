"""tools/install.sh on machines that lack something: one clear sentence, and nothing half made."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# What the script needs besides Python.
TOOLS = ("sh", "cat", "cksum", "dirname")
NOBODY = 65534


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout in a path with a space, and beside it an empty folder of commands."""
    folder = tmp_path / "my checkout"
    (folder / "tools").mkdir(parents=True)
    (folder / "sdk/python").mkdir(parents=True)
    names = ("pyproject.toml", "constraints.txt", "tools/install.sh", "sdk/python/pyproject.toml")
    for name in names:
        shutil.copy(ROOT / name, folder / name)
    commands = tmp_path / "bin"
    commands.mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found, tool
        (commands / tool).symlink_to(found)
    return folder


def add_command(checkout: Path, name: str, script: str) -> None:
    command = checkout.parent / "bin" / name
    command.write_text(f"#!/bin/sh\n{script}\n")
    command.chmod(0o755)


def install(checkout: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "tools/install.sh", "run"],
        cwd=checkout,
        env={"PATH": str(checkout.parent / "bin"), **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_no_python_is_said(checkout: Path) -> None:
    done = install(checkout)
    assert done.returncode == 1
    assert "Python 3.11 or newer was not found" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_old_python_does_not_count(checkout: Path) -> None:
    add_command(checkout, "python3", "exit 1")
    done = install(checkout)
    assert done.returncode == 1
    assert "Python 3.11 or newer was not found" in done.stderr


def test_a_missing_venv_module_names_debians_package(checkout: Path) -> None:
    add_command(
        checkout,
        "python3",
        'case "$2" in *venv*) exit 1;; esac; [ "$1" = -V ] && echo Python 3.11.2; exit 0',
    )
    done = install(checkout)
    assert done.returncode == 1
    assert "Python 3.11.2 has no venv module" in done.stderr
    assert "python3-venv" in done.stderr
    assert not (checkout / ".venv").exists()


def test_a_failed_install_is_tried_again_next_time(checkout: Path) -> None:
    # A Python whose venv is itself, and whose pip fails.
    add_command(
        checkout,
        "python3",
        'case "$*" in\n'
        '*"-m venv"*) for last; do :; done; mkdir -p "$last/bin"; cp "$0" "$last/bin/python";;\n'
        "*pip\\ install*) echo no network >&2; exit 1;;\n"
        "esac",
    )
    for tool in ("mkdir", "cp"):
        (checkout.parent / "bin" / tool).symlink_to(shutil.which(tool) or "")
    for _ in range(2):
        done = install(checkout)
        assert done.returncode == 1
        assert "no network" in done.stderr
        assert "could not be installed" in done.stderr
    assert list((checkout / ".venv").glob("comfyhouse-installed-*")) == []


def test_an_unwritable_checkout_is_said(checkout: Path) -> None:
    # Root may write everywhere, so it becomes nobody, who may not even look into pytest's folder.
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "my checkout"
        shutil.copytree(checkout, folder)
        for path in (folder, Path(place)):
            path.chmod(0o555)
        done = subprocess.run(
            ["sh", "tools/install.sh", "run"],
            cwd=folder,
            env={"PATH": "/usr/bin:/bin"},
            user=NOBODY if os.geteuid() == 0 else None,
            capture_output=True,
            text=True,
            timeout=60,
        )
        Path(place).chmod(0o755)
        folder.chmod(0o755)
    assert done.returncode == 1
    assert "cannot be written to" in done.stderr
    assert len(done.stderr.splitlines()) == 1
