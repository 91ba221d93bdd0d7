"""The scripts that change endpoints, events and deliveries, each in one step."""

from pathlib import Path

from comfyhoused.adapters.redis.scripts import ScriptBook

PREFIX = "ch:1:webhook:"

_FOLDER = Path(__file__).with_name("lua")
SCRIPTS = ScriptBook(_FOLDER, (_FOLDER / "prelude.txt").read_text())
