"""What a request would cost and when it would run, before it is sent."""

from dataclasses import dataclass
from typing import Any

from comfyhoused.api.console.benches import Bench
from comfyhoused.api.console.signed_in import SignedIn
from comfyhoused.api.estimate import Estimate, make_estimate
from comfyhoused.api.key_secrets import KeyMode
from comfyhoused.kit.errors import ComfyhouseError
from comfyhoused.web.words import format_count, format_dollars, format_seconds

_ADDRESSES = ("http://", "https://")


@dataclass(frozen=True, slots=True)
class Forecast:
    """A sentence about price and time; `is_refused` where the request would not be taken."""

    words: str
    is_refused: bool = False


async def make_forecast(
    member: SignedIn, mode: KeyMode, bench: Bench, values: dict[str, Any]
) -> Forecast:
    """Return what running this costs; a refusal is told with its reason.

    Pictures at an address are not fetched for it: an address of ours that carries them could
    be opened by any page, as often as it likes.
    """
    if any(isinstance(value, str) and value.startswith(_ADDRESSES) for value in values.values()):
        return Forecast("What it costs is known when the picture at that address was fetched.")
    try:
        request = bench.make_request(values)
        estimate = await make_estimate(member.house, member.make_principal(mode), request)
    except ComfyhouseError as error:
        return Forecast(error.detail, is_refused=True)
    if not estimate.fits:
        left = format_count(estimate.quota_remaining)
        return Forecast(f"It needs {_count(estimate.units)}, and {left} are left.", is_refused=True)
    return Forecast(f"{_tell_price(mode, estimate)} {_tell_time(estimate)}".strip())


def _tell_price(mode: KeyMode, estimate: Estimate) -> str:
    if mode == "test":
        return "Free: test mode runs in the sandbox and is never charged."
    price = f" ({format_dollars(float(estimate.price_usd))})" if estimate.overage_units else ""
    return f"{_count(estimate.units)}{price}, charged when it is delivered."


def _tell_time(estimate: Estimate) -> str:
    if estimate.run_seconds is None:
        return ""
    return f"Usually {format_seconds((estimate.wait_seconds or 0) + estimate.run_seconds)}."


def _count(units: int) -> str:
    return f"{format_count(units)} unit{'' if units == 1 else 's'}"
