"""Sending again: one delivery, or all that happened in a stretch of time."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from comfyhoused.adapters.redis.client import Store
from comfyhoused.core.webhooks.deliveries import Delivery, get_delivery, make_missing
from comfyhoused.core.webhooks.endpoints import EndpointDisabled, get_endpoint
from comfyhoused.core.webhooks.scripts import SCRIPTS
from comfyhoused.kit.errors import Conflict

#: So many events are looked at in one call.
MOST_REPLAYED = 10_000
_CHUNK = 100
_DISABLED = "Enable it with PATCH first."


class DeliveryErased(Conflict):
    """What it was about has been erased, so it cannot be sent again."""

    code = "webhook_delivery_erased"
    title = "What this delivery told of is erased"


@dataclass(frozen=True, slots=True)
class Replay:
    """How many events are sent again; `is_whole` False: there were more than one call looks at."""

    sent: int
    is_whole: bool


async def replay_delivery(store: Store, owner: str, delivery_id: str) -> Delivery:
    """Send a delivery again, with all tries of a new one.

    One that waits is tried at once, one that is being tried is left alone. Raises
    DeliveryNotFound, EndpointDisabled (also when it was deleted), DeliveryErased.
    """
    await get_delivery(store, owner, delivery_id)
    verdict = await SCRIPTS.run(store, "replay", delivery_id, owner)
    if verdict == "missing":
        raise make_missing(delivery_id)
    if verdict == "disabled":
        raise EndpointDisabled("Its endpoint is disabled or deleted.")
    if verdict == "erased":
        raise DeliveryErased("Its body is not kept any more.")
    return await get_delivery(store, owner, delivery_id)


async def replay_events(
    store: Store,
    owner: str,
    endpoint_id: str,
    *,
    since: datetime,
    until: datetime,
    only_missed: bool = True,
) -> Replay:
    """Send an endpoint again what happened from `since` to `until`, oldest first.

    Also what it was never sent, because it was disabled or did not exist then; with
    `only_missed` not what it has accepted. Raises EndpointNotFound, EndpointDisabled.
    """
    await get_endpoint(store, owner, endpoint_id)
    first, last = _count_ms(since), _count_ms(until)
    looked = sent = 0
    while looked < MOST_REPLAYED:
        answer = await SCRIPTS.run(
            store,
            "replay_events",
            *(owner, endpoint_id, first, last, int(only_missed), looked, _CHUNK),
        )
        if answer[0] != "replayed":
            raise EndpointDisabled(_DISABLED)
        looked += answer[1]
        sent += answer[2]
        if answer[1] < _CHUNK:
            return Replay(sent, is_whole=True)
    return Replay(sent, is_whole=False)


def _count_ms(instant: datetime) -> int:
    epoch = datetime.fromtimestamp(0, instant.tzinfo)
    return (instant - epoch) // timedelta(milliseconds=1)
