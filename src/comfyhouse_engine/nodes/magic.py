"""Magic words in a prompt, so that customers can try every documented error.

`sandbox:fail`, `sandbox:out-of-memory`, `sandbox:slow` (or `sandbox:slow=5`, seconds),
`sandbox:hang` (until interrupted) and `sandbox:lost` (the process ends, if it may).
"""

import os
import re
from dataclasses import dataclass

from comfyhouse_engine import residence
from comfyhouse_engine.context import RunContext

_WORD = re.compile(r"sandbox:(fail|out-of-memory|slow|hang|lost)(?:=(\d{1,6}(?:\.\d{1,3})?))?")
_SLOW_SECONDS = 3.0
_FOREVER_SECONDS = 10.0 * 365 * 86400


class PromptFailed(RuntimeError):
    """The prompt asked for a failure with `sandbox:fail`."""


class OutOfMemoryError(RuntimeError):
    """The prompt asked for it with `sandbox:out-of-memory`; named as PyTorch names it."""


@dataclass(frozen=True)
class Orders:
    """A prompt without its magic words, and the words with their numbers."""

    text: str
    words: dict[str, float | None]

    def obey(self, context: RunContext) -> float:
        """Do what the words say; return the seconds that the sampling shall take longer.

        Raises PromptFailed, OutOfMemoryError, InterruptProcessing.
        """
        if "fail" in self.words:
            raise PromptFailed("The prompt asked for this failure: sandbox:fail")
        if "out-of-memory" in self.words:
            raise OutOfMemoryError(
                "Allocation on device 0 would exceed allowed memory. (out of memory) "
                "The prompt asked for this failure: sandbox:out-of-memory"
            )
        if "lost" in self.words and context.allow_suicide:
            os._exit(1)
        if "hang" in self.words:
            residence.rest(_FOREVER_SECONDS, context)
        if "slow" not in self.words:
            return 0.0
        seconds = self.words["slow"]
        return _SLOW_SECONDS if seconds is None else seconds


def read_orders(text: str) -> Orders:
    """Split the magic words off a prompt."""
    words = {name: float(number) if number else None for name, number in _WORD.findall(text)}
    return Orders(_WORD.sub("", text) if words else text, words)
