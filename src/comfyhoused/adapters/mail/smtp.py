"""One mail server, spoken to by SMTP."""

from dataclasses import dataclass
from email.message import EmailMessage
from typing import Literal

import aiosmtplib

from comfyhoused.kit.errors import Unavailable

_SECONDS = 20
_PERMANENT = 500


class MailServerAway(Unavailable):
    """The mail server does not take our mails now; they are kept and sent later."""

    code = "mail_server_away"
    title = "The mail server does not answer"


class MailRefused(Exception):
    """The server will never take this mail: trying again is of no use."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """Address and log-in of a mail server."""

    host: str
    port: int
    sender: str
    tls: Literal["starttls", "tls", "none"] = "starttls"
    user: str | None = None
    password: str | None = None

    def __repr__(self) -> str:
        return f"MailServer({self.host}:{self.port})"

    async def send(self, message: EmailMessage) -> None:
        """Hand a mail over; raises MailServerAway, or MailRefused for good.

        A wrong log-in is a fault of the settings, not of the mail: the mail can wait.
        """
        message["From"] = self.sender
        try:
            await aiosmtplib.send(
                message,
                hostname=self.host,
                port=self.port,
                username=self.user,
                password=self.password,
                use_tls=self.tls == "tls",
                start_tls=self.tls == "starttls",
                timeout=_SECONDS,
            )
        except (aiosmtplib.SMTPRecipientsRefused, aiosmtplib.SMTPDataError) as error:
            if _is_permanent(error):
                raise MailRefused(str(error)) from error
            raise MailServerAway(str(error)) from error
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise MailServerAway(f"{self.host}: {type(error).__name__}") from error


def _is_permanent(error: aiosmtplib.SMTPException) -> bool:
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return all(one.code >= _PERMANENT for one in error.recipients)
    return isinstance(error, aiosmtplib.SMTPResponseException) and error.code >= _PERMANENT
