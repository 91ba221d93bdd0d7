"""A mail, as words and as a message."""

from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from comfyhoused.kit.clock import get_now


@dataclass(frozen=True, slots=True)
class Mail:
    """What is said to whom, as plain text and as HTML.

    `unsubscribe` is an address to which a POST ends mails of this kind (RFC 8058), '' where none.
    """

    to: str
    subject: str
    text: str
    html: str
    unsubscribe: str = ""

    def __repr__(self) -> str:
        return f"Mail({self.subject!r})"  # its words may hold a sign-in link


def make_message(mail: Mail, mail_id: str) -> EmailMessage:
    """Return the message; the same id again is the same mail to every reader of mails."""
    message = EmailMessage(policy=SMTP)
    message["To"] = mail.to
    message["Subject"] = " ".join(mail.subject.split())
    message["Date"] = format_datetime(get_now())
    message["Message-ID"] = f"<{mail_id}@comfyhouse>"
    message["Auto-Submitted"] = "auto-generated"
    if mail.unsubscribe:
        message["List-Unsubscribe"] = f"<{mail.unsubscribe}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    return message
