"""Whose frame is it, where the frame does not say.

Old-style previews, texts and the `executing` that is sent again after a reconnect name no prompt
(20, 22). A server runs one prompt at a time, so they belong to the one that frames since the
connect have named. Pictures and texts are given to nobody else: a guess could show one customer
another's work.
"""

from collections.abc import Collection

from comfyhoused.adapters.comfyui.frames import Ended, Frame, NodeStarted


class Attribution:
    """Follows which prompt runs on one connection after another."""

    def __init__(self) -> None:
        self._running: str | None = None
        self._running_before: str | None = None

    def note_disconnected(self) -> None:
        """Nothing is known of what runs now; missed frames are lost (20)."""
        self._running_before = self._running or self._running_before
        self._running = None

    def find_prompt(self, frame: Frame, watched: Collection[str]) -> str | None:
        """Return the prompt that a frame belongs to, or None for nobody's."""
        prompt_id = frame.prompt_id or self._running
        if any(isinstance(event, Ended) for event in frame.events):
            self._running = self._running_before = None
        elif frame.prompt_id is not None:
            self._running = frame.prompt_id
        if prompt_id is None and all(isinstance(event, NodeStarted) for event in frame.events):
            return self._find_likely(watched)
        return prompt_id

    def _find_likely(self, watched: Collection[str]) -> str | None:
        """A node's number gives nothing away, so here the likely one is good enough."""
        if self._running_before in watched:
            return self._running_before
        return next(iter(watched)) if len(watched) == 1 else None
