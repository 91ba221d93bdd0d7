"""Webhooks: is it ours, and what does it say?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from comfyhouse.errors import SignatureInvalid


def verify_webhook(secret: str, headers: Mapping[str, str], body: bytes | str) -> dict[str, Any]:
    """Return the event of a webhook that this secret (`whsec_…`) signs; raises SignatureInvalid.

    `body` is what was received, byte for byte: a body that was parsed and written again has
    another signature. A message older than five minutes is refused, too.
    """
    text = body.decode() if isinstance(body, bytes) else body
    lowered = {name.lower(): value for name, value in headers.items()}
    try:
        Webhook(secret).verify(text, lowered)
    except WebhookVerificationError as error:
        raise SignatureInvalid(str(error)) from error
    event: dict[str, Any] = json.loads(text)
    return event
