"""The mail to an owner whose endpoint was disabled because it kept failing."""

from html import escape

from comfyhoused.api.back_office import BackOffice
from comfyhoused.api.webhook_events import find_address
from comfyhoused.core.mail.mail import Mail
from comfyhoused.core.mail.post import post_mail
from comfyhoused.core.webhooks.endpoints import Endpoint, drop_notice, list_notices

_SUBJECT = "A webhook endpoint of yours was disabled"
_REASONS = {
    "gone": "it answered 410 Gone, which asks us to stop",
    "failing": "it has failed every time for days",
}


async def post_notices(office: BackOffice) -> int:
    """Post a mail for each endpoint that was disabled since; returns how many."""
    store = office.resources.store
    posted = 0
    for endpoint in await list_notices(store):
        address = await find_address(office, endpoint.owner)
        if address is not None:
            since = endpoint.failing_since.isoformat() if endpoint.failing_since else ""
            once = f"webhook-disabled:{endpoint.id}:{since}"
            posted += await post_mail(store, make_notice(address, endpoint), once=once)
        await drop_notice(store, endpoint.id)
    return posted


def make_notice(address: str, endpoint: Endpoint) -> Mail:
    """Return the mail: which endpoint, why, what to do."""
    why = _REASONS.get(endpoint.disabled_reason, "it was disabled")
    lines = [
        f"We send no more webhooks to {endpoint.url}, because {why}.",
        "",
        "When it works again, enable it in the console or with",
        f'PATCH /api/v1/webhooks/endpoints/{endpoint.id} {{"enabled": true}}',
        "and have sent what it missed with",
        f"POST /api/v1/webhooks/endpoints/{endpoint.id}/replay.",
    ]
    text = "\n".join(lines) + "\n"
    return Mail(address, _SUBJECT, text, f"<pre>{escape(text)}</pre>")
