"""The one interrupt flag: it hits whatever runs when it is looked at, and only once."""

import threading

from comfyhouse_engine.context import InterruptProcessing


class Interrupt:
    """Set by POST /interrupt, looked at before each node and at each step; thread-safe."""

    def __init__(self) -> None:
        self._flag = threading.Event()

    def request(self) -> None:
        """Ask the running prompt to stop."""
        self._flag.set()

    def reset(self) -> None:
        """Forget an interrupt that came while nothing ran."""
        self._flag.clear()

    def check(self) -> None:
        """Raise InterruptProcessing, once, when an interrupt was asked for."""
        if self._flag.is_set():
            self._flag.clear()
            raise InterruptProcessing
