"""An access token that is at hand for a moment: hundreds of calls in a row ask for it once."""

import time
from dataclasses import dataclass, field

from comfyhoused.creator.connections import get_token
from comfyhoused.creator.house import CreatorHouse

#: Shorter than `get_token` leaves between the end of what it returns and now.
_RECENT_SECONDS = 5.0


@dataclass(slots=True)
class RecentToken:
    """The token of a connection, as Drive's client asks for it. For one piece of work."""

    house: CreatorHouse
    connection_id: str
    _token: str = field(default="", repr=False)
    _asked_at: float = float("-inf")

    async def __call__(self, *, fresh: bool = False) -> str:
        """Return a token; raises what `get_token` raises."""
        asked_at = time.monotonic()
        if fresh or asked_at - self._asked_at > _RECENT_SECONDS:
            self._token = await get_token(self.house, self.connection_id, fresh=fresh)
            self._asked_at = asked_at
        return self._token
