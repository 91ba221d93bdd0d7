"""The worker's chore: send what is due; without a mail server, keep it where it can be read."""

import json
from dataclasses import asdict

from comfyhoused.adapters.mail.smtp import MailRefused, MailServer, MailServerAway
from comfyhoused.adapters.redis.client import Store
from comfyhoused.core.mail.mail import Mail, make_message
from comfyhoused.core.mail.post import Posted, delay_mail, drop_mail, take_mails
from comfyhoused.kit.log import get_logger
from comfyhoused.resources import Resources

log = get_logger(__name__)

_MOST = 20
_TAKEN_SECONDS = 120
#: Pauses between tries; the last one is repeated until the mail is too late.
_PAUSES_SECONDS = (10, 30, 60, 300, 900, 3600)

_UNSENT = "ch:1:mail:unsent"
_MOST_UNSENT = 50
_UNSENT_SECONDS = 86_400


async def send_due_mails(resources: Resources) -> int:
    """Send mails that are due; returns how many went out. One that fails is tried again later."""
    server = resources.mail_server
    sent = 0
    for posted in await take_mails(resources.store, most=_MOST, for_seconds=_TAKEN_SECONDS):
        if server is None:
            await _keep_unsent(resources, posted)
        elif await _send(resources.store, server, posted):
            sent += 1
    return sent


async def list_unsent_mails(store: Store) -> list[Mail]:
    """Return the newest mails that a house in development could not send, newest first."""
    return [Mail(**json.loads(str(line))) for line in await store.lrange(_UNSENT, 0, -1)]


async def _send(store: Store, server: MailServer, posted: Posted) -> bool:
    try:
        await server.send(make_message(posted.mail, posted.id))
    except MailServerAway as error:
        pause = _PAUSES_SECONDS[min(posted.tries, len(_PAUSES_SECONDS)) - 1]
        log.warning("%s waits %d s: %s", posted.id, pause, error.detail)
        await delay_mail(store, posted.id, pause)
        return False
    except MailRefused as error:
        log.error("%s is given up: %s", posted.id, error)
        await drop_mail(store, posted.id)
        return False
    await drop_mail(store, posted.id)
    return True


async def _keep_unsent(resources: Resources, posted: Posted) -> None:
    """In development somebody looks for it on a page; in production nobody would."""
    store = resources.store
    if resources.settings.house.mode == "development":
        pipeline = store.pipeline(transaction=True)
        pipeline.lpush(_UNSENT, json.dumps(asdict(posted.mail)))
        pipeline.ltrim(_UNSENT, 0, _MOST_UNSENT - 1)
        pipeline.expire(_UNSENT, _UNSENT_SECONDS)
        await pipeline.execute()
    else:
        log.error("%s is not sent: CH_SMTP_HOST names no mail server", posted.id)
    await drop_mail(store, posted.id)
