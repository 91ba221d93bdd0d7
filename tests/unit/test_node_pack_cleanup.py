"""Clean-up deletes our files and, whatever it is asked, no others."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfyhouse_nodes.cleanup import Folders, delete_files, find_our_path, is_our_name

OURS = f"ch_{'0123456789abcdef' * 2}"
NOTHING = {"deleted": 0, "missing": 0, "refused": 0, "failed": 0}


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    made = {kind: tmp_path / "ComfyUI" / kind for kind in ("input", "output", "temp")}
    for folder in made.values():
        (folder / "ch").mkdir(parents=True)
    return made


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"picture")
    return path


def make_ref(name: object, kind: object, subfolder: object = "") -> dict[str, object]:
    return {"name": name, "subfolder": subfolder, "type": kind}


def test_our_files_go(folders: Folders) -> None:
    paths = [
        put(folders["input"] / f"{OURS}.png"),
        put(folders["output"] / "ch" / "0b1c_00001_.png"),
        put(folders["output"] / "ch" / "deeper" / "0b1c 12:5_00001_.png"),
        put(folders["temp"] / "ch" / "preview.png"),
    ]
    refs = [
        make_ref(f"{OURS}.png", "input"),
        make_ref("0b1c_00001_.png", "output", "ch"),
        make_ref("0b1c 12:5_00001_.png", "output", "ch/deeper"),
        make_ref("preview.png", "temp", "ch"),
    ]

    assert delete_files(folders, refs) == {**NOTHING, "deleted": 4}
    assert [path for path in paths if path.exists()] == []


def test_subfolder_may_be_left_out(folders: Folders) -> None:
    put(folders["input"] / f"{OURS}.png")

    counts = delete_files(folders, [{"name": f"{OURS}.png", "type": "input"}])

    assert counts == {**NOTHING, "deleted": 1}


def test_missing_is_fine_and_twice_is_fine(folders: Folders) -> None:
    put(folders["input"] / OURS)
    refs = [make_ref(OURS, "input"), make_ref(OURS, "input"), make_ref("x.png", "output", "ch")]

    assert delete_files(folders, refs) == {**NOTHING, "deleted": 1, "missing": 2}


@pytest.mark.parametrize(
    ("name", "kind", "subfolder"),
    [
        ("example.png", "input", ""),
        ("ch_short.png", "input", ""),
        ("ch_0123456789ABCDEF.png", "input", ""),
        (f"{OURS}.png", "input", "ch"),
        (f"../input/{OURS}.png", "input", ""),
        (f"{OURS}/../example.png", "input", ""),
        (f"{OURS}\\..\\example.png", "input", ""),
        ("ComfyUI_00001_.png", "output", ""),
        ("ch", "output", ""),
        ("x.png", "output", "ch/.."),
        ("x.png", "output", "ch/../../input"),
        ("x.png", "output", "/ch"),
        ("x.png", "output", "ch/"),
        ("x.png", "output", "ch//a"),
        ("x.png", "output", "ch\\..\\.."),
        ("x.png", "output", "chalk"),
        ("..", "output", "ch"),
        ("", "output", "ch"),
        ("a\x00b", "output", "ch"),
        ("x.png", "models", "ch"),
        ("x.png", "", "ch"),
        (None, "output", "ch"),
        ("x.png", None, "ch"),
        ("x.png", "output", None),
        ("x.png", "output", ["ch"]),
        ("x" * 5000, "output", "ch"),
    ],
)
def test_what_is_not_ours_is_refused(
    folders: Folders, name: object, kind: object, subfolder: object
) -> None:
    standing = [
        put(folders["input"] / "example.png"),
        put(folders["input"] / "x.png"),
        put(folders["input"] / f"{OURS}.png"),
        put(folders["output"] / "ComfyUI_00001_.png"),
        put(folders["output"] / "x.png"),
        put(folders["output"] / "chalk" / "x.png"),
        put(folders["output"] / "ch" / "a" / "x.png"),
    ]

    counts = delete_files(folders, [make_ref(name, kind, subfolder)])

    assert counts["deleted"] == 0
    assert counts["refused"] + counts["failed"] == 1
    assert all(path.exists() for path in standing)


@pytest.mark.parametrize(
    ("subfolder", "name"),
    [("", "ch"), ("ch", "a/b"), ("ch", "a\\b"), ("ch\\a", "b"), ("ch", "a\nb"), ("ch", ".")],
)
def test_names_that_another_system_would_read_as_a_path_are_not_ours(
    subfolder: str, name: str
) -> None:
    """Told from the name alone: here a backslash is a letter, on Windows it is not."""
    assert not is_our_name("output", subfolder, name)
    assert not is_our_name("temp", subfolder, name)


@pytest.mark.parametrize("ref", [None, 7, "ch_0123456789abcdef", [], ["a"], {}])
def test_malformed_references_are_refused(folders: Folders, ref: object) -> None:
    assert delete_files(folders, [ref]) == {**NOTHING, "refused": 1}


def test_links_are_not_followed(folders: Folders, tmp_path: Path) -> None:
    foreign = put(tmp_path / "elsewhere" / "x.png")
    (folders["output"] / "ch" / "link").symlink_to(foreign.parent)
    (folders["input"] / OURS).symlink_to(foreign)

    refs = [make_ref("x.png", "output", "ch/link"), make_ref(OURS, "input")]

    assert delete_files(folders, refs) == {**NOTHING, "refused": 2}
    assert foreign.exists()
    assert (folders["input"] / OURS).is_symlink()


def test_a_folder_that_is_itself_a_link_works(tmp_path: Path) -> None:
    """Operators keep ComfyUI's output on another disk."""
    real = put(tmp_path / "big disk" / "ch" / "x.png")
    (tmp_path / "output").symlink_to(tmp_path / "big disk")

    counts = delete_files({"output": tmp_path / "output"}, [make_ref("x.png", "output", "ch")])

    assert counts == {**NOTHING, "deleted": 1}
    assert not real.exists()


def test_directories_stay(folders: Folders) -> None:
    put(folders["output"] / "ch" / "a" / "x.png")

    assert delete_files(folders, [make_ref("a", "output", "ch")]) == {**NOTHING, "refused": 1}


@given(st.text(st.sampled_from("./\\ch_a0"), max_size=12), st.text(st.sampled_from("./\\ch_a")))
def test_no_name_leads_out_of_its_folder(name: str, subfolder: str) -> None:
    root = Path("/srv/comfyui/output")
    path = find_our_path({"output": root}, make_ref(name, "output", subfolder))

    assert path is None or path.is_relative_to(root / "ch")
    assert (path is not None) == is_our_name("output", subfolder, name)
