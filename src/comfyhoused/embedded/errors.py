"""What can keep a bundled part from starting: one clear sentence each."""

from comfyhoused.kit.errors import ComfyhouseError


class CannotStart(ComfyhouseError):
    """A part cannot be started here; the detail says why and what to do. Never sent over HTTP."""

    code = "cannot_start"
    title = "A part of the house cannot start"
