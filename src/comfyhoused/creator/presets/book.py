"""All presets of the house: ours, and the operator's from CH_PRESETS_DIR."""

import json
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from comfyhoused.core.workflows.graph import Graph
from comfyhoused.creator.presets.preset import Manifest, Preset, Sample
from comfyhoused.kit.errors import Conflict, NotFound
from comfyhoused.resources import UnfitHouse

_OURS = Path(__file__).with_name("ours")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


class PresetUnknown(NotFound):
    """No preset has this name (any more)."""

    code = "preset_unknown"
    title = "There is no such preset"


class PresetUpgraded(Conflict):
    """The preset has a newer version, with which the photo was edited in the same way already."""

    code = "preset_upgraded"
    title = "The preset has a newer version"


class PresetBook:
    """Presets by name. An operator's preset takes the place of one of ours of the same name."""

    def __init__(self, presets: Iterable[Preset]) -> None:
        self._presets = {one.name: one for one in presets}

    @classmethod
    def load(cls, folder: Path | None = None) -> "PresetBook":
        """Read ours and the operator's folder; raises UnfitHouse, which names every fault."""
        ours = _read_folder(_OURS, is_ours=True)
        return cls([*ours, *(_read_folder(folder, is_ours=False) if folder else ())])

    def find(self, name: str) -> Preset | None:
        """Return the preset of that name, or None."""
        return self._presets.get(name)

    def get(self, name: str) -> Preset:
        """Return the preset of that name; raises PresetUnknown."""
        preset = self.find(name)
        if preset is None:
            raise PresetUnknown(f"There is no preset “{name[:40]}” here.")
        return preset

    def list(self) -> list[Preset]:
        """Return all, in the order in which they are shown."""
        return sorted(self._presets.values(), key=lambda one: (one.order, one.title, one.name))


class _Fault(Exception):
    """Why one preset cannot be taken."""


def _read_folder(folder: Path, *, is_ours: bool) -> list[Preset]:
    presets, faults = [], []
    try:
        homes = sorted(one.parent for one in folder.glob("*/preset.toml"))
        is_there = folder.is_dir()
    except OSError as error:
        raise UnfitHouse(f"CH_PRESETS_DIR {folder} cannot be read: {error}") from error
    if not is_there:
        raise UnfitHouse(f"CH_PRESETS_DIR {folder} is not a folder.")
    for home in homes:
        try:
            presets.append(_read_preset(home, is_ours=is_ours))
        except _Fault as fault:
            faults.append(f"{home.name}: {fault}")
    if faults:
        raise UnfitHouse("Presets are not right:\n- " + "\n- ".join(faults))
    return presets


def _read_preset(home: Path, *, is_ours: bool) -> Preset:
    if not _NAME.fullmatch(home.name):
        raise _Fault("a preset's folder is named with a-z, 0-9 and -, at most 40 characters")
    manifest = _read_manifest(home / "preset.toml")
    graph = _read_graph(home / "workflow.json")
    for target in manifest.list_targets():
        if target.field not in graph.get(target.node, {"inputs": {}})["inputs"]:
            raise _Fault(f"workflow.json has no input {target.field!r} at node {target.node!r}")
    return Preset(
        name=home.name,
        title=manifest.title,
        version=manifest.version,
        summary=manifest.summary,
        order=manifest.order,
        usual_strength=manifest.usual_strength,
        makes_transparency=manifest.makes_transparency,
        parameters=manifest.parameters,
        samples=tuple(_list_samples(home, manifest)),
        image=manifest.image,
        strength=manifest.strength,
        graph=graph,
        is_ours=is_ours,
    )


def _read_manifest(path: Path) -> Manifest:
    try:
        return Manifest.model_validate(tomllib.loads(path.read_text("utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _Fault(f"preset.toml cannot be read: {error}") from error
    except ValidationError as error:
        faults = (
            f"{'.'.join(str(part) for part in fault['loc'])} {fault['msg']}".strip()
            for fault in error.errors()
        )
        raise _Fault("preset.toml: " + "; ".join(faults)) from error


def _read_graph(path: Path) -> Graph:
    try:
        nodes = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise _Fault(f"workflow.json cannot be read: {error}") from error
    if not isinstance(nodes, dict) or not all(_is_node(node) for node in nodes.values()):
        raise _Fault("workflow.json is not a graph in ComfyUI's API format")
    return {
        node_id: {"class_type": node["class_type"], "inputs": node["inputs"]}
        for node_id, node in nodes.items()
    }


def _is_node(node: object) -> bool:
    return (
        isinstance(node, dict)
        and isinstance(node.get("class_type"), str)
        and isinstance(node.get("inputs"), dict)
    )


def _list_samples(home: Path, manifest: Manifest) -> Iterable[Sample]:
    for entry in manifest.samples:
        before, after = home / entry.before, home / entry.after
        for path in (before, after):
            if not path.is_file() or home.resolve() not in path.resolve().parents:
                raise _Fault(f"the sample {path.name} is not in the preset's folder")
        yield Sample(entry.title, before, after, entry.strength, entry.credit)
