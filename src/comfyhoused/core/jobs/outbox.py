"""Who settles what: the outbox is read once, and each ending goes to the product of its owner.

Owners are written `kind:…`; the worker says who settles the endings of each kind.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from comfyhoused.adapters.redis.client import StoreUnavailable
from comfyhoused.core.jobs.erasing import erase_losers
from comfyhoused.core.jobs.settlement import Ending, read_outbox
from comfyhoused.kit.errors import Unavailable
from comfyhoused.resources import Resources

Settle = Callable[[Ending], Awaitable[None]]

#: The name that the one group of readers has always had.
_GROUP = "api"
_MOST = 100
_REST_SECONDS = 5.0


class NobodySettles(Unavailable):
    """Endings of this kind of owner wait: their product is not set up in this worker."""

    code = "nobody_settles"
    title = "This product is not set up here"


class Outbox:
    """The endings of all jobs, and by kind of owner who settles them."""

    def __init__(self, resources: Resources, settlers: Mapping[str, Settle]) -> None:
        self._resources = resources
        self._settlers = settlers
        self._resting: dict[str, tuple[float, Unavailable]] = {}

    async def settle_endings(self, consumer: str) -> int:
        """Settle every job that has become terminal since; returns how many.

        Those of a product that cannot settle now stay for later, and hold up no other's; its
        Unavailable is raised after them.
        """
        settled = 0
        store = self._resources.store
        while count := await read_outbox(store, _GROUP, consumer, self._settle, most=_MOST):
            settled += count
            if count < _MOST:  # a crowd is not made to wait for the next look
                break
        return settled

    async def _settle(self, ending: Ending) -> None:
        kind = ending.owner.partition(":")[0]
        act = self._settlers.get(kind)
        if act is None:
            raise NobodySettles(f"Endings of {kind}s wait until a worker settles them.")
        self._check_resting(kind)
        try:
            await act(ending)
        except StoreUnavailable:
            raise
        except Unavailable as error:
            # Asking again for each of many would hold up those of the other products.
            now = asyncio.get_running_loop().time()
            self._resting[kind] = (now + _REST_SECONDS, error)
            raise
        await erase_losers(self._resources, ending)

    def _check_resting(self, kind: str) -> None:
        until, error = self._resting.get(kind, (0.0, None))
        if error is not None and asyncio.get_running_loop().time() < until:
            raise error
