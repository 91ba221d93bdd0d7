"""Fault and latency switches: the engine as a fleet simulator.

They can be set on the command line (`--switch name=value`) and while running
(`POST /engine/switches`). Durations are seconds, 0 means off.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields

SwitchValue = bool | int | float | str | None


class BadSwitch(Exception):
    """An unknown switch or a value of the wrong type; the text names what is allowed."""


@dataclass
class Switches:
    """The switches as they stand now; nodes and routes read the attributes."""

    latency_seconds: float = 0.0
    """Every HTTP answer waits this long."""
    node_seconds: float = 0.0
    """Every executed node takes this much longer."""
    step_seconds: float = 0.0
    """Every sampler step takes this much longer."""
    model_load_seconds: float = 0.0
    """Loading a model that is not in a slot takes this long."""
    model_slots: int = 1
    """How many models stay loaded."""
    hold_at_node: str | None = None
    """Node id or class_type at which runs wait until this is changed."""
    hold_at_step: int = 0
    """Samplers wait before this step until this is changed; 0 = none."""
    fail_at_node: str | None = None
    """Node id or class_type that raises an error."""
    out_of_memory: str | None = None
    """Node id or class_type that raises an out-of-memory error."""
    drop_socket: int = 0
    """All sockets are aborted after this many frames; 0 = never."""
    silent: bool = False
    """No WebSocket frames at all."""
    slow_view_bytes_per_second: float = 0.0
    """Speed of GET /view; 0 = full speed."""
    lose_history: bool = False
    """The history answers {} though the prompts ran."""
    dead_worker: bool = False
    """The queue worker stands still while HTTP answers."""
    refuse_prompts: bool = False
    """POST /prompt answers 500."""
    no_checkpoints: bool = False
    """The catalogue shows no checkpoint, and no other model that paints."""

    def as_dict(self) -> dict[str, SwitchValue]:
        """Return all switches by name, ready for JSON."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def apply(self, values: Mapping[str, object]) -> None:
        """Set several switches at once, all or none.

        Raises BadSwitch for a name that does not exist or a value of another type.
        """
        checked = {name: self._check(name, value) for name, value in values.items()}
        for name, value in checked.items():
            setattr(self, name, value)

    def _check(self, name: str, value: object) -> SwitchValue:
        known = {field.name: field for field in fields(self)}
        if name not in known:
            raise BadSwitch(f"unknown switch {name!r}; known switches: {', '.join(sorted(known))}")
        return _convert(name, value, known[name].default)


def _convert(name: str, value: object, default: object) -> SwitchValue:
    """Return `value` in the type that the switch's default shows; raises BadSwitch."""
    if isinstance(default, bool):
        if isinstance(value, bool):
            return value
        raise BadSwitch(f"switch {name!r} takes true or false, not {value!r}")
    if isinstance(default, int | float):
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise BadSwitch(f"switch {name!r} takes a number >= 0, not {value!r}")
        return int(value) if isinstance(default, int) else float(value)
    if value is None or isinstance(value, str):
        return value or None
    raise BadSwitch(f"switch {name!r} takes a text or null, not {value!r}")


def parse_switch(text: str) -> tuple[str, object]:
    """Split `name=value` from the command line; the value is JSON where it parses, else text."""
    name, separator, raw = text.partition("=")
    if not separator:
        raise BadSwitch(f"a switch is written name=value, not {text!r}")
    try:
        return name, json.loads(raw)
    except ValueError:
        return name, raw
