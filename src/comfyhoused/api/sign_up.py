"""Opening an account: whose mailbox it is, and limits, so that free images are not farmed.

Every rule is looked at when the link from the mail is used, never before: only whoever reads
the mailbox learns whether it has an account.
"""

import json
from typing import Any

from comfyhoused.adapters.redis.client import Store
from comfyhoused.api.accounts import Account, get_account, make_account_record
from comfyhoused.api.mailboxes import Mailbox
from comfyhoused.api.scripts import SCRIPTS
from comfyhoused.kit.errors import Forbidden, TooManyRequests
from comfyhoused.kit.ids import make_id
from comfyhoused.settings import SignUpSettings

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
#: Anybody has an address there, and nobody can make a thousand at once.
_LARGE_PROVIDERS = frozenset(
    [
        "gmail.com",
        "outlook.com",
        "hotmail.com",
        "live.com",
        "msn.com",
        "yahoo.com",
        "icloud.com",
        "me.com",
        "aol.com",
        "proton.me",
        "protonmail.com",
        "gmx.de",
        "gmx.net",
        "web.de",
        "t-online.de",
        "mail.ru",
        "yandex.ru",
        "qq.com",
        "163.com",
        "naver.com",
        "orange.fr",
        "free.fr",
        "libero.it",
        "fastmail.com",
        "zoho.com",
    ]
)


class SignUpRefused(Forbidden):
    """This house opens no account for this address."""

    code = "sign_up_refused"
    title = "No account is opened for this address"


class TooManySignUps(TooManyRequests):
    """Too many accounts were opened of late from this network, or with this mail domain."""

    code = "too_many_sign_ups"
    title = "Too many new accounts"


class MailboxTaken(Forbidden):
    """The account of this mailbox was opened with another spelling of the address."""

    code = "mailbox_taken"
    title = "This mailbox has an account already"


async def find_account_of(store: Store, mailbox: Mailbox) -> Account | None:
    """Return the account of a mailbox, however its address was spelled."""
    account_id = await store.get(f"ch:1:account_of:{mailbox.identity}")
    return None if account_id is None else await get_account(store, str(account_id))


async def open_account(
    store: Store, rules: SignUpSettings, mailbox: Mailbox, network: str
) -> Account:
    """Return the mailbox's account, opened now where there is none and the rules allow it.

    Raises SignUpRefused, TooManySignUps or MailboxTaken.
    """
    account = await find_account_of(store, mailbox)
    if account is None:
        check_may_sign_up(rules, mailbox)
        account = await _create(store, mailbox, _list_limits(rules, mailbox, network))
    if account.email != mailbox.address:
        # Its owner may be another person where the mail server tells such spellings apart.
        raise MailboxTaken("Ask for a link once more: it goes to the address of the account.")
    return account


def check_may_sign_up(rules: SignUpSettings, mailbox: Mailbox) -> None:
    """Raise SignUpRefused where this house opens no account for such an address."""
    if rules.sign_up == "closed":
        raise SignUpRefused("Accounts are opened by whoever runs this house. Ask them for one.")
    if rules.sign_up_domains and mailbox.domain not in rules.sign_up_domains:
        raise SignUpRefused("Accounts are opened here for certain mail domains only.")
    if mailbox.is_disposable:
        raise SignUpRefused("Free images are not given to throw-away addresses. Use a lasting one.")


async def create_account_for(
    store: Store, mailbox: Mailbox, *, plan: str, account_id: str | None = None
) -> tuple[Account, bool]:
    """Open an account as whoever runs the house; returns it and whether it is new."""
    state, known_id = await _run(store, mailbox, [], plan=plan, account_id=account_id)
    return await get_account(store, known_id), state == "created"


async def _create(store: Store, mailbox: Mailbox, limits: list[tuple[str, int, int]]) -> Account:
    state, answer = await _run(store, mailbox, limits, plan="free", account_id=None)
    if state == "limited":
        whom = "your network" if answer.startswith("net") else f"@{mailbox.domain}"
        raise TooManySignUps(
            f"Many accounts were opened from {whom} today. Try again tomorrow.",
            headers={"Retry-After": "86400"},
        )
    return await get_account(store, answer)


async def _run(
    store: Store,
    mailbox: Mailbox,
    limits: list[tuple[str, int, int]],
    *,
    plan: str,
    account_id: str | None,
) -> tuple[str, str]:
    account_id = account_id or make_id("acct", 16)
    record = make_account_record(account_id, plan=plan, email=mailbox.address)
    arguments = [part for limit in limits for part in limit]
    answer: Any = await SCRIPTS.run(
        store, "sign_up", mailbox.identity, json.dumps(record), *arguments
    )
    return str(answer[0]), str(answer[1])


def _list_limits(
    rules: SignUpSettings, mailbox: Mailbox, network: str
) -> list[tuple[str, int, int]]:
    limits = [
        (f"net:hour:{network}", rules.sign_ups_per_hour, _HOUR_MS),
        (f"net:day:{network}", rules.sign_ups_per_day, _DAY_MS),
    ]
    if mailbox.domain not in _LARGE_PROVIDERS:
        limits.append((f"domain:day:{mailbox.domain}", rules.sign_ups_per_domain, _DAY_MS))
    return limits
