"""What the house knows about model files by their names: family, licence, purpose.

Ours is models.toml, which says what each line means; an operator's file of the same form is
asked first.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from comfyhoused.resources import UnfitHouse

UNKNOWN_FAMILY = "other"
_OURS = Path(__file__).with_name("models.toml")
_SCALE = re.compile(r"(?<![0-9])([248])x|x([248])(?![0-9])")


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelDefaults(_Table):
    """What is taken where a request says nothing. None: the house's own default."""

    width: int | None = Field(None, ge=64, le=2048, multiple_of=8)
    height: int | None = Field(None, ge=64, le=2048, multiple_of=8)
    steps: int | None = Field(None, ge=1, le=150)
    cfg_scale: float | None = Field(None, ge=1, le=30)
    sampler_name: str | None = None
    scheduler: str | None = None


class Family(_Table):
    """Models that the same graphs can paint with. `texts` is how they read their prompts."""

    name: str = ""
    title: str
    texts: Literal["plain", "sdxl", "flux"] = "plain"
    defaults: ModelDefaults = ModelDefaults()


class Preprocessor(_Table):
    """A node class that turns a picture into a map, and its fixed inputs."""

    node: str
    inputs: Mapping[str, int | float | str] = {}


class ControlKind(_Table):
    """One sort of control picture. `union` is its name for ControlNets that read several."""

    title: str
    union: str = ""
    preprocessors: tuple[Preprocessor, ...] = ()


class Rule(_Table):
    """What is said about the files whose names fit."""

    files: tuple[str, ...] = Field(min_length=1)
    family: str | None = None
    role: Literal["clip_l", "t5xxl", "flux_vae"] | None = None
    licence: str | None = None
    licence_url: str | None = None
    note: str | None = None
    commercial: bool | None = None
    controls: tuple[str, ...] | None = None
    scale: int | None = Field(None, ge=2, le=8)
    defaults: ModelDefaults | None = None

    def fits(self, name: str) -> bool:
        """Tell whether one of the patterns fits the name, which is in lower case."""
        return any(fnmatchcase(name, pattern) for pattern in self.files)


class ModelFacts(_Table):
    """What is known about one file. `commercial` of None: nobody has said."""

    name: str
    family: str = UNKNOWN_FAMILY
    role: str = ""
    licence: str = ""
    licence_url: str = ""
    note: str = ""
    commercial: bool | None = None
    controls: tuple[str, ...] = ()
    scale: int | None = None
    defaults: ModelDefaults = ModelDefaults()


class _File(_Table):
    families: dict[str, Family] = {}
    controls: dict[str, ControlKind] = {}
    rules: tuple[Rule, ...] = ()


class ModelBook:
    """All rules of the house."""

    def __init__(self, files: Iterable[_File]) -> None:
        self._files = tuple(files)
        self._known: dict[str, ModelFacts] = {}

    @classmethod
    def load(cls, path: Path | None = None) -> "ModelBook":
        """Read the operator's file, if there is one, and ours; raises UnfitHouse."""
        paths = [_OURS] if path is None else [path, _OURS]
        return cls([_read_file(one) for one in paths])

    @cached_property
    def families(self) -> Mapping[str, Family]:
        """Families that templates can paint with."""
        named = {
            name: family for file in reversed(self._files) for name, family in file.families.items()
        }
        return {name: family.model_copy(update={"name": name}) for name, family in named.items()}

    @cached_property
    def controls(self) -> Mapping[str, ControlKind]:
        """Sorts of control pictures."""
        return {
            name: kind for file in reversed(self._files) for name, kind in file.controls.items()
        }

    def get_facts(self, name: str) -> ModelFacts:
        """Return what is known about a file; of an unknown one little more than its name."""
        if name not in self._known:
            if len(self._known) > 10_000:  # names of a workflow may be anybody's invention
                self._known.clear()
            self._known[name] = self._find_facts(name)
        return self._known[name]

    def find_family(self, name: str) -> Family | None:
        """Return the family of a file; None where no template can paint with it."""
        return self.families.get(self.get_facts(name).family)

    def _find_facts(self, name: str) -> ModelFacts:
        plain = name.replace("\\", "/").lower()
        said: dict[str, object] = {"scale": _read_scale(plain)}
        fitting = [rule for file in self._files for rule in file.rules if rule.fits(plain)]
        for rule in reversed(fitting):  # what an earlier rule says, stands
            said |= rule.model_dump(exclude_none=True, exclude={"files"})
        return ModelFacts.model_validate({**said, "name": name})


def _read_scale(name: str) -> int | None:
    """Return the factor that the name of an upscaler speaks of: `4x-…`, `…_x2plus`."""
    found = _SCALE.search(name)
    return int(found[1] or found[2]) if found else None


def _read_file(path: Path) -> _File:
    try:
        return _File.model_validate(tomllib.loads(path.read_text()))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UnfitHouse(f"CH_MODELS_FILE {path} cannot be read: {error}") from error
    except ValidationError as error:
        faults = [
            f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"
            for fault in error.errors()
        ]
        raise UnfitHouse(
            f"CH_MODELS_FILE {path} is not right:\n- " + "\n- ".join(faults)
        ) from error
