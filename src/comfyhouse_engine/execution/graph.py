"""What a prompt's graph and a node class look like to the engine.

A graph is the decoded JSON of an API-format workflow: node id -> {"class_type", "inputs"}. It comes
from strangers, so nothing about it is certain before validation; hence the `Any`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Graph = dict[str, Any]
NodeClasses = Mapping[str, type]


@dataclass(frozen=True)
class InputSpec:
    """One declared input: `kind` is a type name such as "INT" or a list of choices."""

    name: str
    category: str
    kind: Any
    options: Mapping[str, Any]

    @property
    def config(self) -> tuple[Any, Mapping[str, Any]]:
        """The declaration as error bodies repeat it: (kind, options)."""
        return self.kind, self.options

    @property
    def choices(self) -> list[Any] | None:
        """The allowed values of a choice input, None for any other input."""
        if isinstance(self.kind, list):
            return self.kind
        if self.kind == "COMBO":
            return list(self.options.get("options", []))
        return None


class Declarations:
    """What node classes declare, asked once each: some list a whole folder to answer."""

    def __init__(self) -> None:
        self._raw: dict[type, Mapping[str, Mapping[str, Any]]] = {}

    def inputs(self, node_class: type) -> dict[str, InputSpec]:
        """Return the required and then the optional inputs of a node class, by name."""
        return dict(_specs(self._ask(node_class)))

    def hidden(self, node_class: type) -> Mapping[str, Any]:
        """Return the hidden inputs of a node class: name -> what the engine shall fill in."""
        return self._ask(node_class).get("hidden", {})

    def _ask(self, node_class: Any) -> Mapping[str, Mapping[str, Any]]:
        if node_class not in self._raw:
            self._raw[node_class] = node_class.INPUT_TYPES()
        return self._raw[node_class]


def _specs(declared: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, InputSpec]]:
    for category in ("required", "optional"):
        for name, raw in declared.get(category, {}).items():
            options = raw[1] if len(raw) > 1 else {}
            yield name, InputSpec(name, category, raw[0], options)


def is_link(value: object) -> bool:
    """True for `[node id, output number]`."""
    return (
        isinstance(value, list)
        and len(value) == 2
        and isinstance(value[0], str)
        and isinstance(value[1], int | float)
    )


def is_output_class(node_class: type) -> bool:
    """True for node classes whose result is what the prompt is for."""
    return getattr(node_class, "OUTPUT_NODE", False) is True
