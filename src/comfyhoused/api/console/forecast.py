"""What a request would cost and whether it would be taken, before it is sent."""

from dataclasses import dataclass
from typing import Any

from comfyhoused.api.console.benches import Bench
from comfyhoused.api.console.signed_in import SignedIn
from comfyhoused.api.key_secrets import KeyMode
from comfyhoused.api.proposals.propose import propose
from comfyhoused.kit.errors import ComfyhouseError


@dataclass(frozen=True, slots=True)
class Forecast:
    """A sentence about the price; `is_refused` where the request would not be taken."""

    words: str
    is_refused: bool = False


async def make_forecast(
    member: SignedIn, mode: KeyMode, bench: Bench, values: dict[str, Any]
) -> Forecast:
    """Return what running this costs; a refusal is told with its reason."""
    try:
        request = bench.make_request(values)
        proposal = await propose(member.house, member.make_principal(mode), request)
    except ComfyhouseError as error:
        return Forecast(error.detail, is_refused=True)
    if mode == "test":
        return Forecast("Free: test mode runs in the sandbox and is never charged.")
    units = proposal.units
    return Forecast(f"{units} unit{'' if units == 1 else 's'}, charged when it is delivered.")
