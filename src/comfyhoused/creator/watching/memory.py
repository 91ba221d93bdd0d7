"""What a watcher remembers of a source between its looks. Losing it costs a listing, no photo."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from comfyhoused.creator.sources.folder import SeenFile
from comfyhoused.creator.tables import Source

#: From time to time everything is compared with what is stored, whatever is remembered.
_HOLDS_SECONDS = 300.0
_STIRRED_SECONDS = 5.0


@dataclass(slots=True)
class Memory:
    """What a folder looked like last time, so that only what differs is compared again.

    `files` are those of a local folder. `listing_seconds` is how long its last listing took.
    `is_in_shared_drive`: None while nobody has looked.
    """

    files: Mapping[str, SeenFile] = field(default_factory=dict)
    listing_seconds: float = 0.0
    is_in_shared_drive: bool | None = None
    _changed_at: float = float("-inf")
    _whole_at: float = float("-inf")
    _listed_at: datetime | None = None

    @property
    def is_stirred(self) -> bool:
        """Whether something has changed so shortly before that it may not be settled yet."""
        return time.monotonic() - self._changed_at < _STIRRED_SECONDS

    @property
    def is_old(self) -> bool:
        """Whether everything is to be compared anew."""
        return time.monotonic() - self._whole_at >= _HOLDS_SECONDS

    def holds_for(self, source: Source) -> bool:
        """Tell whether the files are as they were when the source was last listed, by anybody.

        Not so where another watcher was at it, or where somebody wants it listed whole.
        """
        is_known = source.reconciled_at is not None and self._listed_at == source.reconciled_at
        return is_known and not self.is_old

    def forget(self) -> None:
        """Have everything compared anew."""
        self.files, self._whole_at = {}, time.monotonic()

    def note(self, source: Source, files: Mapping[str, SeenFile]) -> None:
        """Remember what a listing has shown, once it is stored."""
        if files != self.files:
            self._changed_at = time.monotonic()
        self._listed_at = source.reconciled_at
        if source.kind == "local":
            self.files = files
