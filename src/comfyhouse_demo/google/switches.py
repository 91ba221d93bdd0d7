"""How the demo behaves as a whole; set by `POST /_demo/switches`."""

from dataclasses import dataclass, fields
from typing import Any, Literal

from comfyhouse_demo.google.failures import make_invalid


@dataclass(slots=True)
class Switches:
    """`pushes`: sent as they come, twice, never, or kept until `POST /_demo/pushes`.

    `push_delay_seconds`: how late each is. `token_seconds`: life of an access token.
    `page_size`: the most that a page holds, whatever was asked. `refuse_refresh`: every refresh
    is answered `invalid_grant`. `list_lag_seconds`: lists show what was made so long ago.
    """

    pushes: Literal["send", "double", "drop", "hold"] = "send"
    push_delay_seconds: float = 0.0
    token_seconds: float = 3599.0
    page_size: int = 1000
    refuse_refresh: bool = False
    list_lag_seconds: float = 0.0

    def apply(self, values: dict[str, Any]) -> None:
        """Set those that are named; raises Refusal where there is no such switch."""
        known = {one.name for one in fields(self)}
        for name, value in values.items():
            if name not in known:
                raise make_invalid(name, f"There is no switch {name}")
            setattr(self, name, value)
