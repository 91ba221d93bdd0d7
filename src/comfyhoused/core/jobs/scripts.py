"""The registry of the scripts that change a job: one small `.lua` file for each change."""

import json
from pathlib import Path

from comfyhoused.adapters.redis.scripts import ScriptBook
from comfyhoused.core.jobs.states import MOVES

#: Share of GPU time of each plan class. Never strict: every class gets its part.
WEIGHTS = {"business": 8, "pro": 4, "starter": 2, "free": 1}

_FOLDER = Path(__file__).with_name("lua")


def _make_prelude() -> str:
    moves = {state: dict.fromkeys(sorted(targets), 1) for state, targets in MOVES.items()}
    tables = f"""local MOVES = cjson.decode('{json.dumps(moves)}')
local WEIGHTS = cjson.decode('{json.dumps(WEIGHTS)}')
"""
    return tables + (_FOLDER / "prelude.txt").read_text()


SCRIPTS = ScriptBook(_FOLDER, _make_prelude())
