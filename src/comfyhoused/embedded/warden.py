"""Ends what a killed house leaves behind. A program of its own: `python warden.py GRACE_SECONDS`.

It reads `+GROUP` and `-GROUP` lines (process groups begun and ended) from standard input. When
that closes, the house is gone: groups still listed are asked to end, and killed after the
grace. It works on every Unix and reaches grandchildren and the stubborn, which a parent-death
signal does not.
"""

import os
import signal
import sys
import time

_PAUSE_SECONDS = 0.05


def send(group: int, number: int) -> bool:
    """Signal the group; false when nothing of it is left."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        change = groups.add if line[0] == "+" else groups.discard
        change(int(line[1:]))
    groups = {group for group in groups if send(group, signal.SIGTERM)}
    deadline = time.monotonic() + float(sys.argv[1])
    while groups and time.monotonic() < deadline:
        time.sleep(_PAUSE_SECONDS)
        groups = {group for group in groups if send(group, 0)}
    for group in groups:
        send(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
