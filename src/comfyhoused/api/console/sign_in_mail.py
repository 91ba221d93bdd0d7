"""The mail with the sign-in link."""

from comfyhoused.api.console.pages import PAGES
from comfyhoused.api.sign_in_links import GOOD_FOR_SECONDS
from comfyhoused.core.mail.mail import Mail

_SUBJECT = "Your link to sign in to Comfyhouse"


def make_sign_in_mail(address: str, link: str) -> Mail:
    """Return the mail that brings a link to whoever reads the address."""
    minutes = GOOD_FOR_SECONDS // 60
    text = (
        f"Sign in to Comfyhouse:\n\n{link}\n\n"
        f"The link works once, for {minutes} minutes, in any browser.\n"
        "If you did not ask for it, do nothing: nobody is signed in without it.\n"
    )
    page = PAGES.render("mail/sign_in.html", link=link, minutes=minutes, subject=_SUBJECT)
    return Mail(address, _SUBJECT, text, bytes(page.body).decode())
