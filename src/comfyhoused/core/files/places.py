"""Where the outputs of an attempt lie, and the ids that follow from that."""

import hashlib
import re
from dataclasses import dataclass

_ID_LENGTH = 22
_KEY = re.compile(r"jobs/([^/]+)/([^/]+)/([0-9]{1,9})\.[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class OutputPlace:
    """The `index`-th output of this attempt at this owner's job."""

    owner: str
    job_id: str
    attempt_id: str
    index: int

    @property
    def file_id(self) -> str:
        """The file's id, derived: whoever keeps this output again makes the same file."""
        digest = hashlib.sha256(f"{self.attempt_id}/{self.index}".encode()).hexdigest()
        return f"file_{digest[:_ID_LENGTH]}"

    def make_key(self, extension: str) -> str:
        """Return the key of the object."""
        return f"{make_folder(self.job_id, self.attempt_id)}/{self.index}.{extension}"


def make_folder(job_id: str, attempt_id: str | None = None) -> str:
    """Return the folder of a job's objects, or of one attempt's."""
    return f"jobs/{job_id}" if attempt_id is None else f"jobs/{job_id}/{attempt_id}"


def read_place(owner: str, key: str) -> OutputPlace | None:
    """Return the place that an object's key came from; None for a key that we never made."""
    match = _KEY.fullmatch(key)
    if match is None:
        return None
    return OutputPlace(owner, match.group(1), match.group(2), int(match.group(3)))
