"""What a form has done, said once on the page it leads to.

The address carries a word of this list, never a text: nobody can make our page say theirs.
"""

from urllib.parse import urlencode, urlsplit

from fastapi import Request

_SENTENCES = {
    "again": "It goes through once more.",
    "again-all": "All that failed goes through once more, a few at a time.",
    "canceled": "Canceled. It does not count against your plan.",
    "edited": "A new edit has begun.",
    "was-there": "That edit is there already. It was not counted again.",
    "wrong": "Thank you. The photo was given back to your plan.",
    "wrong-kept": "Thank you. It had been given back before.",
    "wrong-counts": "Thank you for telling us. So many photos were given back this month that "
    "this one counts.",
    "approved": "Approved. It is on its way to your folder.",
    "rejected": "Rejected. It stays here and does not go to your folder.",
    "deliver": "It goes to your folder once more.",
    "saved": "Saved.",
    "paused": "Paused. New photos wait.",
    "resumed": "Going on.",
    "removed": "Removed. Nothing in your folders was touched.",
    "backlog": "The photos that were there already are on their way.",
    "backlog-skip": "The photos that were there already stay as they are.",
    "look-again": "We look at it again.",
    "look-same": "It would end the same way.",
    "read": "All read.",
    "ended": "That browser is signed out.",
    "ended-others": "All other browsers are signed out.",
    "connected": "Connected.",
    "added": "Added.",
    "nothing": "Nothing was chosen.",
    "no-pictures": "None of those is finished: there is no picture to download yet.",
}
_COUNTED = {
    "again-some": (
        "One photo goes through once more. Your plan has no room for the others.",
        "{} photos go through once more. Your plan has no room for the others.",
    ),
    "edited-many": ("One new edit has begun.", "{} new edits have begun."),
    "cut-many": (
        "One went through. Your plan has no room for the others.",
        "{} went through. Your plan has no room for the others.",
    ),
    "again-many": ("One photo goes through once more.", "{} photos go through once more."),
    "approved-many": ("One picture is on its way.", "{} pictures are on their way."),
    "picked-many": ("One picked photo is on its way.", "{} picked photos are on their way."),
    "rejected-many": ("One picture stays here.", "{} pictures stay here."),
}


def say_at(path: str, word: str, number: int | None = None) -> str:
    """Return the address of a page that will say this."""
    fields = {"said": word} | ({"n": str(number)} if number is not None else {})
    return f"{path}{'&' if urlsplit(path).query else '?'}{urlencode(fields)}"


def read_said(request: Request) -> str:
    """Return the sentence that the address asks for, or ''."""
    word, number = request.query_params.get("said", ""), request.query_params.get("n", "")
    if word in _COUNTED and number.isdecimal() and len(number) < 8:
        if number == "0":
            return _SENTENCES["nothing"]
        one, many = _COUNTED[word]
        return one if number == "1" else many.format(int(number))
    return _SENTENCES.get(word, "")
