"""The mail that says how much of a month's images, or of the spend cap, is used."""

from comfyhoused.api.console.pages import PAGES
from comfyhoused.core.mail.mail import Mail


def make_usage_mail(address: str, subject: str, first: str, second: str, link: str) -> Mail:
    """Return a mail of two sentences: what is used, and what happens next."""
    text = f"{first}\n\n{second}\n\nYour usage: {link}\n"
    page = PAGES.render("mail/usage.html", subject=subject, first=first, second=second, link=link)
    return Mail(address, subject, text, bytes(page.body).decode())
