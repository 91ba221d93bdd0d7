"""What a node class checks itself, instead of or beside the engine."""

import inspect
from collections.abc import Sequence
from typing import Any

from comfyhouse_engine.execution.calling import fan_out
from comfyhouse_engine.execution.graph import is_link
from comfyhouse_engine.execution.problems import Problem, refused_by_node


class OwnValidation:
    """A node class's VALIDATE_INPUTS: what it takes over from the engine, and its verdict."""

    def __init__(self, node_class: Any) -> None:
        self._function = getattr(node_class, "VALIDATE_INPUTS", None)
        self.received_types: dict[str, Any] = {}
        self._names: Sequence[str] = ()
        self._takes_all = False
        if self._function is not None:
            described = inspect.getfullargspec(self._function)
            self._names = [*described.args, *described.kwonlyargs]
            self._takes_all = described.varkw is not None

    @property
    def checks_types(self) -> bool:
        return "input_types" in self._names

    def covers(self, name: str) -> bool:
        return self._takes_all or name in self._names

    def run(self, inputs: dict[str, Any]) -> list[Problem]:
        if self._function is None:
            return []
        taken = {
            name: [value]
            for name, value in inputs.items()
            if self.covers(name) and not is_link(value)
        }
        arguments = {**taken, "input_types": [self.received_types]} if self.checks_types else taken
        answers = fan_out(self._function, arguments, takes_lists=False, before_each=lambda: None)
        return [
            refused_by_node(name, answer)
            for name in arguments
            for answer in answers
            if answer is not True
        ]
