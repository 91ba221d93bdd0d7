"""Mail addresses people type in, and which of them are one and the same mailbox."""

from dataclasses import dataclass

from disposable_email_domains import blocklist
from email_validator import EmailNotValidError, validate_email

from comfyhoused.kit.errors import Unprocessable

_LONGEST = 254
_DOTLESS = {"gmail.com": "gmail.com", "googlemail.com": "gmail.com"}


class MailAddressInvalid(Unprocessable):
    """What was typed is no mail address."""

    code = "mail_address_invalid"
    title = "That is not a mail address"


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address as mails are sent to it, and the identity that all its spellings share."""

    address: str
    identity: str

    @property
    def domain(self) -> str:
        """The part behind the @, of the identity."""
        return self.identity.rpartition("@")[2]

    @property
    def is_disposable(self) -> bool:
        """Tell whether the domain, or one above it, hands out throw-away addresses."""
        labels = self.domain.split(".")
        return any(".".join(labels[i:]) in blocklist for i in range(len(labels) - 1))


def read_mailbox(text: str) -> Mailbox:
    """Return the mailbox of a typed address; raises MailAddressInvalid."""
    if len(text) > _LONGEST:
        raise MailAddressInvalid(f"A mail address has at most {_LONGEST} letters.")
    try:
        found = validate_email(text.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise MailAddressInvalid(str(error)) from error
    return Mailbox(found.normalized, _identify(found.local_part, found.ascii_domain))


def _identify(local: str, domain: str) -> str:
    """Plus tags, letter case and, where the provider ignores them, dots make no other mailbox."""
    domain = domain.lower()
    local = local.casefold().partition("+")[0] or local.casefold()
    if domain in _DOTLESS:
        local, domain = local.replace(".", ""), _DOTLESS[domain]
    return f"{local}@{domain}"
