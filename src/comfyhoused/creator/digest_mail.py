"""The mails of Creator: what a bundle of notifications says, as HTML and as text."""

from collections.abc import Mapping, Sequence
from typing import Any

from comfyhoused.core.mail.mail import Mail
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.screens.pages import PAGES
from comfyhoused.creator.tables import Notification, User
from comfyhoused.creator.unsubscribing import MailKind, make_unsubscribe_url

_MOST_NAMED = 12
_SEE: dict[MailKind, tuple[str, str]] = {
    "results": ("See your pictures", "/creator/gallery"),
    "problems": ("See what it is", "/creator/notifications"),
}
_WHY: dict[MailKind, str] = {
    "results": "You get this at most once an hour, when pictures are ready.",
    "problems": "You get this when something needs you.",
}


def make_digest_mail(
    house: CreatorHouse, user: User, kind: MailKind, notes: Sequence[Notification]
) -> Mail:
    """Return the mail about these notifications, oldest first; there is one at least."""
    base = house.resources.settings.http.base_url
    label, path = _SEE[kind]
    link = base + (notes[0].link or path if len(notes) == 1 else path)
    unsubscribe = make_unsubscribe_url(house, user.id, kind)
    subject = _write_subject(kind, notes)
    words: dict[str, Any] = {
        "subject": subject,
        "notes": notes[:_MOST_NAMED],
        "more": max(0, len(notes) - _MOST_NAMED),
        "base": base,
        "label": label,
        "link": link,
        "why": _WHY[kind],
        "unsubscribe": unsubscribe,
    }
    page = PAGES.render("mail/digest.html", **words)
    return Mail(user.email, subject, _write_text(words), bytes(page.body).decode(), unsubscribe)


def _write_subject(kind: MailKind, notes: Sequence[Notification]) -> str:
    if len(notes) == 1:
        return notes[0].title
    return f"{len(notes)} {'pictures are ready' if kind == 'results' else 'things need you'}"


def _write_text(words: Mapping[str, Any]) -> str:
    lines = []
    for note in words["notes"]:
        lines += [note.title, *([note.detail] if note.detail else []), ""]
    if words["more"]:
        lines += [f"And {words['more']} more.", ""]
    lines += [f"{words['label']}: {words['link']}", "", "-- ", words["why"]]
    return "\n".join([*lines, f"No more of these mails: {words['unsubscribe']}", ""])
