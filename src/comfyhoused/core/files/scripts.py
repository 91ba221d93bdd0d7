"""The scripts that change file records, each in one step."""

from pathlib import Path

from comfyhoused.adapters.redis.scripts import ScriptBook

#: Zset of object keys and the instant (ms) from which nobody wants them: see lua/prelude.txt.
DOOMED = "ch:1:files:doomed"

_FOLDER = Path(__file__).with_name("lua")
SCRIPTS = ScriptBook(_FOLDER, (_FOLDER / "prelude.txt").read_text())
