"""What a registered workflow is: a graph, and the inputs that may be filled in."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from comfyhoused.core.workflows.graph import Scalar

InputType = Literal[
    "text", "integer", "number", "boolean", "choice", "model", "seed", "image", "mask"
]
INPUT_TYPES: tuple[InputType, ...] = get_args(InputType)
PICTURE_TYPES: tuple[InputType, ...] = ("image", "mask")
LARGEST_SEED = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Target:
    """The input `field` of a node: where a value goes."""

    node_id: str
    field: str


@dataclass(frozen=True, slots=True)
class DeclaredInput:
    """One input. As sent, anything may be None; `resolve_inputs` fills in what follows.

    Resolved: `is_required` is set, and an input that is not required has a `default`, except
    a seed, which is drawn. `choices` of None (choice, model): what the servers offer when it
    is asked. `step` counts from zero. A picture's default is a file id.
    """

    name: str
    type: InputType
    targets: tuple[Target, ...]
    default: Scalar | None = None
    is_required: bool | None = None
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    choices: tuple[Scalar, ...] | None = None
    max_length: int | None = None
    title: str = ""
    description: str = ""

    @property
    def is_picture(self) -> bool:
        return self.type in PICTURE_TYPES


@dataclass(frozen=True, slots=True)
class Definition:
    """Everything that decides what a run of it does. `graph` is as sent, in API format.

    `finish` is done to its pictures (see core/files/finish.py). `is_checked` is False where no
    server was known when it was registered.
    """

    graph: dict[str, Any]
    inputs: tuple[DeclaredInput, ...]
    title: str = ""
    description: str = ""
    max_units: int = 1
    finish: dict[str, Any] = field(default_factory=dict)
    is_checked: bool = True


def describe_definition(definition: Definition) -> dict[str, Any]:
    """Return the definition as JSON can hold it."""
    return asdict(definition)


def parse_definition(document: Mapping[str, Any]) -> Definition:
    """Return the definition that `describe_definition` wrote."""
    inputs = tuple(_parse_input(one) for one in document["inputs"])
    return Definition(**{**document, "inputs": inputs})


def _parse_input(document: Mapping[str, Any]) -> DeclaredInput:
    choices = document["choices"]
    return DeclaredInput(
        **{
            **document,
            "targets": tuple(Target(**one) for one in document["targets"]),
            "choices": None if choices is None else tuple(choices),
        }
    )
