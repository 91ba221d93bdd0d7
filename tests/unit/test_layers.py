"""The import rules hold, and the checker sees a violation of each: all planted in one copy."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
    "contracts"
]

# contract → (the module that gets the line, what it must not import)
PLANTED = {
    "Layers: imports go downward only": [
        ("comfyhoused.settings", "comfyhoused.kit.clock"),
        ("comfyhoused.kit.planted", "comfyhoused.adapters.redis.client"),
        ("comfyhoused.adapters.redis.planted", "comfyhoused.embedded.valkey"),
        ("comfyhoused.adapters.storage.planted", "comfyhoused.resources"),
        ("comfyhoused.embedded.planted", "comfyhoused.adapters.redis.client"),
        ("comfyhoused.resources", "comfyhoused.core.jobs.record"),
        ("comfyhoused.core.planted", "comfyhoused.web"),
        ("comfyhoused.core.jobs.planted", "comfyhoused.api"),
        ("comfyhoused.web.planted", "comfyhoused.core.jobs.record"),
        ("comfyhoused.api.planted", "comfyhoused.app"),
        ("comfyhoused.app", "comfyhoused.worker"),
        ("comfyhoused.worker", "comfyhoused.cli"),
        ("comfyhoused.checkup", "comfyhoused.app"),
    ],
    "No adapter knows another": [
        ("comfyhoused.adapters.storage.planted", "comfyhoused.adapters.redis.client"),
        ("comfyhoused.adapters.redis.planted", "comfyhoused.adapters.queue"),
        ("comfyhoused.adapters.queue.planted", "comfyhoused.adapters.comfyui.client"),
        ("comfyhoused.adapters.comfyui.planted", "comfyhoused.adapters.storage.storage"),
    ],
    "The rules know no HTTP framework": [
        ("comfyhoused.core.planted", "fastapi"),
        ("comfyhoused.adapters.redis.planted", "starlette"),
        ("comfyhoused.kit.planted", "jinja2"),
    ],
    "The node pack and the engine know nothing of the server": [
        ("comfyhouse_engine.planted", "comfyhoused.settings"),
        ("comfyhouse_nodes.planted", "comfyhoused.kit.ids"),
    ],
    "The node pack imports nothing of ours": [
        ("comfyhouse_nodes.planted", "comfyhouse_engine.switches"),
    ],
    "Demo stand-ins stay out of the server": [
        ("comfyhoused.core.planted", "comfyhouse_demo"),
    ],
}


def plant(source: Path, module: str, forbidden: str) -> None:
    path = source.joinpath(*module.split(".")).with_suffix(".py")
    with path.open("a") as file:
        file.write(f"\nimport {forbidden}\n")


def run_checker(folder: Path) -> subprocess.CompletedProcess[str]:
    program = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"
    return subprocess.run(
        [sys.executable, "-P", "-c", program, "--no-cache"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder / "src"), "COLUMNS": "300"},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the checker says of a copy of the tree that breaks every rule."""
    copy = tmp_path_factory.mktemp("planted")
    shutil.copytree(ROOT / "src", copy / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    for violations in PLANTED.values():
        for module, forbidden in violations:
            plant(copy / "src", module, forbidden)
    done = run_checker(copy)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


def test_the_tree_keeps_every_rule() -> None:
    done = run_checker(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_violation_is_planted_for_every_rule() -> None:
    assert {contract["name"] for contract in CONTRACTS} == set(PLANTED)


@pytest.mark.parametrize("contract", PLANTED)
def test_a_planted_violation_is_caught(report: str, contract: str) -> None:
    assert f"{contract} BROKEN" in report
    # Behind the summary each broken contract has a part of its own, headed by its name.
    part = report.split("Broken contracts")[1].split(f"\n{contract}\n")[1]
    for module, forbidden in PLANTED[contract]:
        assert f"{module} -> {forbidden}" in part
