"""What can go wrong with a ComfyUI server.

BackendFailure
├── BackendUnreachable   no answer: refused, reset or out of time
├── BackendBroken        an answer that makes no sense: 500, not JSON, too large
└── OutputMissing        the server announced a file that it no longer has
Unprocessable
└── GraphRefused         the server found the graph invalid
Conflict
└── AttemptSeen          the fence has met this attempt before: it runs, or ran, already
TooLarge
└── UploadTooLarge       more bytes than the server takes
"""

from collections.abc import Sequence

from comfyhoused.kit.errors import (
    BackendFailure,
    Conflict,
    FieldError,
    TooLarge,
    Unprocessable,
)


class BackendUnreachable(BackendFailure):
    """No answer came. `refused` = nothing listens there, so nothing was delivered either.

    Without `refused` the request may have been carried out: look before trying again.
    """

    code = "backend_unreachable"
    title = "The ComfyUI server does not answer"

    def __init__(self, detail: str, *, refused: bool = False) -> None:
        super().__init__(detail)
        self.refused = refused


class BackendBroken(BackendFailure):
    """An answer that makes no sense. `http_status` is the one it came with, 0 where it was 200.

    After a submit this does not mean that nothing was queued: the same number and prompt id
    twice is answered with 500, yet runs.
    """

    code = "backend_broken"
    title = "The ComfyUI server gave an answer that makes no sense"

    def __init__(self, detail: str, *, http_status: int = 0) -> None:
        super().__init__(detail)
        self.http_status = http_status


class OutputMissing(BackendFailure):
    """The file is not there: a cached run announces old names, even of deleted files (14)."""

    code = "output_missing"
    title = "The ComfyUI server no longer has the output it announced"


class GraphRefused(Unprocessable):
    """The server refused the graph; `errors` point at the nodes, with no list of choices."""

    code = "graph_refused"
    title = "The ComfyUI server refused the workflow"

    def __init__(self, detail: str, errors: Sequence[FieldError]) -> None:
        super().__init__(detail, errors=errors)


class AttemptSeen(Conflict):
    """The fence dropped the prompt: this attempt was submitted to this server before."""

    code = "attempt_seen"
    title = "The ComfyUI server has seen this attempt already"


class UploadTooLarge(TooLarge):
    """The file is larger than the server takes (100 MB by default)."""

    code = "upload_too_large"
    title = "The file is larger than the ComfyUI server takes"
