"""Which models are in memory: loading takes as long as the switches say, slots are few.

The fleet's preference for warm backends is measured against this.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from comfyhouse_engine.context import RunContext

_loaded: OrderedDict[str, None] = OrderedDict()
_lock = Lock()
_NAP_SECONDS = 0.02


def load(name: str, context: RunContext) -> None:
    """Bring the model into a slot, pushing out the least recently used one.

    Raises InterruptProcessing when the run is interrupted while it loads.
    """
    with _lock:
        if name in _loaded:
            _loaded.move_to_end(name)
            return
    rest(context.switches.model_load_seconds, context)
    with _lock:
        _loaded[name] = None
        while len(_loaded) > max(1, context.switches.model_slots):
            _loaded.popitem(last=False)


def list_loaded() -> list[str]:
    """Return the names of the loaded models, least recently used first."""
    with _lock:
        return list(_loaded)


def unload_all() -> None:
    """Empty all slots, as POST /free with `unload_models` asks."""
    with _lock:
        _loaded.clear()


def rest(seconds: float, context: RunContext) -> None:
    """Let `seconds` pass, but notice an interrupt at once (raises InterruptProcessing)."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        context.check_interrupt()
        time.sleep(min(left, _NAP_SECONDS))
    context.check_interrupt()


def wait_while(is_held: Callable[[], bool], context: RunContext) -> None:
    """Wait as long as a switch holds the run; raises InterruptProcessing."""
    while is_held():
        rest(_NAP_SECONDS, context)
