"""What a key may hand on: never more than it may itself, and never for longer."""

from collections.abc import Sequence
from datetime import datetime

from comfyhoused.api.house import Principal
from comfyhoused.api.key_records import DEFAULT_SCOPES, ApiKey
from comfyhoused.api.key_secrets import KeyMode
from comfyhoused.kit.clock import get_now
from comfyhoused.kit.errors import FieldError, Forbidden, Unprocessable


class GrantTooWide(Forbidden):
    """A key cannot make or rotate one that may do more than itself."""

    code = "grant_too_wide"
    title = "That is more than this key may hand on"


class ExpiryPast(Unprocessable):
    """The instant at which it shall expire is over."""

    code = "expiry_past"
    title = "It would have expired already"


def choose_scopes(maker: Principal, wanted: Sequence[str] | None) -> tuple[str, ...]:
    """Return the scopes of a new key; raises GrantTooWide."""
    if wanted is None:
        return tuple(scope for scope in DEFAULT_SCOPES if scope in maker.scopes)
    check_scopes(maker, wanted)
    return tuple(dict.fromkeys(wanted))


def check_scopes(maker: Principal, scopes: Sequence[str]) -> None:
    """Raise GrantTooWide where the maker lacks one of them."""
    lacking = [scope for scope in scopes if scope not in maker.scopes]
    if lacking:
        raise GrantTooWide(f"This key has not {', '.join(lacking)} itself.")


def check_mode(maker: Principal, mode: KeyMode) -> None:
    """Raise GrantTooWide for a live key that a test key would make."""
    if maker.mode == "test" and mode == "live":
        raise GrantTooWide("A test key makes test keys only.")


def check_lasting(maker: ApiKey | None, old: ApiKey) -> None:
    """Raise GrantTooWide where the maker would get a secret that outlives it."""
    if maker is None or maker.id == old.id or maker.expires_at is None:
        return
    if old.expires_at is None or old.expires_at > maker.expires_at:
        raise GrantTooWide(f"This key expires at {maker.expires_at.isoformat()} itself.")


def choose_expiry(maker: ApiKey | None, wanted: datetime | None) -> datetime | None:
    """Return when a new key ends; raises ExpiryPast, and GrantTooWide for later than its maker."""
    if wanted is not None and wanted <= get_now():
        raise ExpiryPast("`expires_at` must lie ahead.", errors=[_EXPIRY_FAULT])
    limit = maker.expires_at if maker is not None else None
    if limit is None or (wanted is not None and wanted <= limit):
        return wanted
    if wanted is None:
        return limit
    raise GrantTooWide(f"This key expires at {limit.isoformat()} itself.")


_EXPIRY_FAULT = FieldError(pointer="/expires_at", detail="lies in the past")
