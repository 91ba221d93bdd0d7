"""Ties a child process to its parent, so that a killed parent leaves no orphan."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def make_tie(death_signal: signal.Signals = signal.SIGTERM) -> Callable[[], None]:
    """Return a `preexec_fn`: the child gets `death_signal` when the calling process dies.

    Only Linux knows this; elsewhere the function does nothing. The library is loaded here,
    in the parent, because little may be done between fork and exec.
    """
    parent = os.getpid()
    if sys.platform != "linux":
        return lambda: None
    libc = ctypes.CDLL(None, use_errno=True)

    def tie() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, int(death_signal))
        # The parent may have died before the line above took effect.
        if os.getppid() != parent:
            os._exit(1)

    return tie
