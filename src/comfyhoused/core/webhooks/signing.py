"""Secrets of webhooks and the headers of Standard Webhooks that are made with them.

A secret is derived from the house's own and a salt in the record: whoever gets hold of the
store, or of a copy of it, cannot sign anything. Where the house's secret changes, so do these.
"""

import hashlib
import hmac
import secrets
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from standardwebhooks import Webhook

from comfyhoused.kit.clock import get_now_ms, make_instant


@dataclass(frozen=True, slots=True)
class LiveSecret:
    """A secret that signs now; `expires_at` is set on the older one of a rotation."""

    secret: str
    expires_at: datetime | None


def make_salt() -> str:
    """Return what makes one secret of a holder different from the next."""
    return secrets.token_hex(16)


def list_secrets(house_secret: bytes, holder: str, record: Mapping[str, str]) -> list[LiveSecret]:
    """Return the live secrets of a holder (an endpoint's or owner's id), the newest first.

    `record` has `salt` and, during a rotation, `old_salt` and `old_until` (ms).
    """
    live = [LiveSecret(_derive(house_secret, holder, record["salt"]), None)]
    until = int(record.get("old_until") or 0)
    if until > get_now_ms():
        old = _derive(house_secret, holder, record["old_salt"])
        live.append(LiveSecret(old, make_instant(until)))
    return live


def make_headers(
    live: Sequence[LiveSecret], message_id: str, at: datetime, body: str
) -> dict[str, str]:
    """Return `webhook-id`, `-timestamp` and `-signature`, one signature for each secret."""
    signatures = [Webhook(one.secret).sign(message_id, at, body) for one in live]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def _derive(house_secret: bytes, holder: str, salt: str) -> str:
    message = f"webhook\x1f{holder}\x1f{salt}".encode()
    return "whsec_" + b64encode(hmac.new(house_secret, message, hashlib.sha256).digest()).decode()
