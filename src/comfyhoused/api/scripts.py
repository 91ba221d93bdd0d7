"""The scripts that change accounts and keys, each in one step."""

from pathlib import Path

from comfyhoused.adapters.redis.scripts import ScriptBook

_FOLDER = Path(__file__).with_name("lua")
SCRIPTS = ScriptBook(_FOLDER, (_FOLDER / "prelude.txt").read_text())
