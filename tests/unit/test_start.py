"""What a program loads before it can answer: a door that is closed costs nothing."""

import subprocess
import sys

import pytest

#: Of Creator's third of the code, the libraries that take longest to load.
HEAVY = ("sqlalchemy", "authlib", "numpy", "comfyhoused.creator.tables")
_LOAD = """
import sys
from comfyhoused.{program}
print([name for name in {heavy} if name in sys.modules])
"""


@pytest.mark.parametrize(
    "program", ["app import create_app; create_app()", "worker import main"], ids=["web", "worker"]
)
def test_a_house_without_a_database_does_not_load_creator(program: str) -> None:
    code = _LOAD.format(program=program, heavy=HEAVY)
    run = subprocess.run(
        (sys.executable, "-c", code), capture_output=True, text=True, check=True, cwd="/"
    )
    assert run.stdout.strip() == "[]", run.stdout
