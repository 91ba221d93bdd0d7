"""The installer puts a whole pack into a ComfyUI, and touches nothing that is not its own."""

import json
from pathlib import Path

import pytest

from comfyhouse_nodes.install import InstallRefused, install
from comfyhouse_nodes.version import PACK_VERSION


@pytest.fixture
def comfyui(tmp_path: Path) -> Path:
    root = tmp_path / "my ComfyUI"
    (root / "custom_nodes").mkdir(parents=True)
    (root / "main.py").touch()
    return root


def list_files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_first_install_copies_everything_that_is_needed(comfyui: Path) -> None:
    done = install(comfyui)

    assert done.path == comfyui / "custom_nodes" / "comfyhouse_nodes"
    assert (done.version, done.replaced, done.is_changed) == (PACK_VERSION, None, True)
    assert "Restart ComfyUI" in done.next_step
    assert {"__init__.py", "fence.py", "routes.py", "installed.json"} <= list_files(done.path)
    assert not [name for name in list_files(done.path) if "__pycache__" in name]
    assert [path.name for path in (comfyui / "custom_nodes").iterdir()] == ["comfyhouse_nodes"]


def test_second_install_changes_nothing(comfyui: Path) -> None:
    first = install(comfyui)
    (first.path / "__pycache__").mkdir()
    (first.path / "__pycache__" / "fence.pyc").touch()
    stamp = (first.path / "fence.py").stat().st_ino

    second = install(comfyui)

    assert (second.replaced, second.is_changed) == (PACK_VERSION, False)
    assert "nothing was changed" in second.next_step
    assert (first.path / "fence.py").stat().st_ino == stamp


def test_an_older_version_is_replaced_whole(comfyui: Path) -> None:
    target = install(comfyui).path
    (target / "installed.json").write_text(json.dumps({"pack": "0.0.1"}))
    (target / "gone_in_the_new_version.py").touch()

    done = install(comfyui)

    assert (done.replaced, done.is_changed) == ("0.0.1", True)
    assert not (target / "gone_in_the_new_version.py").exists()
    assert [path.name for path in (comfyui / "custom_nodes").iterdir()] == ["comfyhouse_nodes"]
    assert json.loads((target / "installed.json").read_text()) == {"pack": PACK_VERSION}


def test_a_damaged_file_is_repaired(comfyui: Path) -> None:
    target = install(comfyui).path
    whole = (target / "fence.py").read_bytes()
    (target / "fence.py").write_bytes(whole[:10])

    assert install(comfyui).is_changed
    assert (target / "fence.py").read_bytes() == whole


def test_leftovers_of_a_cut_short_install_are_cleared(comfyui: Path) -> None:
    for name in ("comfyhouse_nodes.new.disabled", "comfyhouse_nodes.old.disabled"):
        (comfyui / "custom_nodes" / name).mkdir()
        (comfyui / "custom_nodes" / name / "half.py").touch()

    done = install(comfyui)

    assert [path.name for path in (comfyui / "custom_nodes").iterdir()] == ["comfyhouse_nodes"]
    assert "half.py" not in list_files(done.path)


def test_a_base_directory_without_main_py_will_do(tmp_path: Path) -> None:
    (tmp_path / "custom_nodes").mkdir()
    (tmp_path / "models").mkdir()

    assert install(tmp_path).is_changed


@pytest.mark.parametrize("inside", [[], ["custom_nodes"], ["main.py"], ["models"]])
def test_other_folders_are_refused(tmp_path: Path, inside: list[str]) -> None:
    for name in inside:
        (tmp_path / name).mkdir()

    with pytest.raises(InstallRefused, match="does not look like ComfyUI"):
        install(tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*")) == inside


def test_the_folder_above_is_refused_with_the_right_one_named(tmp_path: Path) -> None:
    (tmp_path / "ComfyUI" / "custom_nodes").mkdir(parents=True)

    with pytest.raises(InstallRefused, match=r"name that folder itself: .*/ComfyUI"):
        install(tmp_path)


def test_somebody_elses_folder_is_left_alone(comfyui: Path) -> None:
    foreign = comfyui / "custom_nodes" / "comfyhouse_nodes"
    foreign.mkdir()
    (foreign / "__init__.py").write_text("mine")

    with pytest.raises(InstallRefused, match="left alone"):
        install(comfyui)
    assert (foreign / "__init__.py").read_text() == "mine"


def test_a_developers_link_is_left_alone(comfyui: Path, tmp_path: Path) -> None:
    (tmp_path / "checkout").mkdir()
    link = comfyui / "custom_nodes" / "comfyhouse_nodes"
    link.symlink_to(tmp_path / "checkout")

    with pytest.raises(InstallRefused, match="is a link"):
        install(comfyui)
    assert link.is_symlink()


def test_a_folder_that_cannot_be_written_is_one_sentence(comfyui: Path) -> None:
    # A file in the place of the staging folder cannot be written through, even by root.
    (comfyui / "custom_nodes" / "comfyhouse_nodes.new.disabled").touch()

    with pytest.raises(InstallRefused, match="cannot be written"):
        install(comfyui)
