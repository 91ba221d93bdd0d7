"""Mails about notifications: results at most hourly, problems at once, each in one mail only.

First notifications are bundled under the id of a mail, in a transaction; then the bundle is
posted under that id and marked. A worker that dies in between loses none and posts none twice.
Each turn goes through everybody to whom something is due: with whom something is wrong is passed
by, and what could not be posted for days is not mailed any more.
"""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.core.mail.post import post_mail
from comfyhoused.creator.digest_mail import make_digest_mail
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.tables import Edit, Notification, User
from comfyhoused.creator.unsubscribing import MailKind
from comfyhoused.creator.words import OPEN_EDIT_STATES
from comfyhoused.kit.clock import get_now
from comfyhoused.kit.errors import Unavailable
from comfyhoused.kit.ids import make_id
from comfyhoused.kit.log import get_logger

log = get_logger(__name__)

#: Between two mails about results.
DIGEST_PAUSE = timedelta(hours=1)
#: While edits are under way, results wait so long for each other.
GATHER_PAUSE = timedelta(minutes=20)
#: A problem is told at once; those that follow it within this time come together.
PROBLEM_PAUSE = timedelta(minutes=10)
#: While edits are under way, failures of single photos wait so long for each other.
FAILURES_PAUSE = timedelta(minutes=2)

_PAGE = 50
_MOST_NOTES = 5_000
_GOOD_FOR = timedelta(days=3)
#: Kinds of problems of which a bad batch brings a hundred at once.
_OF_SINGLE_PHOTOS = ("edit_failed", "delivery_failed")
_KINDS: dict[str, MailKind] = {"digest": "results", "now": "problems"}


async def send_digests(house: CreatorHouse, *, at: datetime | None = None) -> int:
    """Bundle what is due (at `at`, by default now) and post it; returns how many mails."""
    now = at or get_now()
    after = ""
    while user_ids := await _list_users(house, now, after):
        after = user_ids[-1]
        for user_id in user_ids:
            await _bundle(house, user_id, now)
    posted, after = 0, ""
    while mail_ids := await _list_bundles(house, after):
        after = mail_ids[-1]
        for mail_id in mail_ids:
            posted += await _post(house, mail_id)
    return posted


def _select_due(now: datetime) -> Select[tuple[str, str]]:
    """Return whose notifications of which mail are to be bundled, or dropped where unwanted."""
    waiting = (
        select(
            Notification.user_id,
            Notification.mail,
            func.min(Notification.created_at).label("oldest"),
            func.bool_or(Notification.kind.not_in(_OF_SINGLE_PHOTOS)).label("is_urgent"),
        )
        .where(Notification.mail != "none", Notification.mailed_at.is_(None))
        .where(Notification.mail_id.is_(None))
        .group_by(Notification.user_id, Notification.mail)
        .subquery()
    )
    is_open = (Edit.user_id == User.id, Edit.state.in_(OPEN_EDIT_STATES))
    is_quiet = ~select(Edit.id).where(*is_open).exists()
    pause = User.digested_at.is_(None) | (User.digested_at <= now - DIGEST_PAUSE)
    gathered = is_quiet | (waiting.c.oldest <= now - GATHER_PAUSE)
    collected = is_quiet | waiting.c.is_urgent | (waiting.c.oldest <= now - FAILURES_PAUSE)
    return (
        select(User.id, waiting.c.mail)
        .join(waiting, waiting.c.user_id == User.id)
        .where(
            or_(
                _is_unwanted(waiting.c.mail),
                and_(waiting.c.mail == "digest", pause, gathered),
                and_(waiting.c.mail == "now", ~_was_told(now), collected),
            )
        )
    )


def _is_unwanted(mail: ColumnElement[str]) -> ColumnElement[bool]:
    return or_(
        User.deleting_at.is_not(None),
        and_(mail == "digest", User.mail_results.is_(False)),
        and_(mail == "now", User.mail_problems.is_(False)),
    )


def _was_told(now: datetime) -> ColumnElement[bool]:
    """Tell whether the user has got a mail about problems just now, or is about to."""
    lately = Notification.mailed_at > now - PROBLEM_PAUSE
    on_its_way = Notification.mailed_at.is_(None) & Notification.mail_id.is_not(None)
    told = select(Notification.id).where(
        Notification.user_id == User.id, Notification.mail == "now", lately | on_its_way
    )
    return told.exists()


async def _list_users(house: CreatorHouse, now: datetime, after: str) -> list[str]:
    """Return the next users to whom something is due, by their ids."""
    due = _select_due(now).where(User.id > after).subquery()
    page = select(due.c.id).distinct().order_by(due.c.id).limit(_PAGE)
    async with house.database.begin() as session:
        return list(await session.scalars(page))


async def _bundle(house: CreatorHouse, user_id: str, now: datetime) -> None:
    """Put what is due to a user under one mail for each kind, unless another worker does."""
    try:
        async with house.database.begin() as session:
            locked = select(User).where(User.id == user_id).with_for_update(skip_locked=True)
            user = (await session.scalars(locked)).one_or_none()
            if user is not None:
                await _bundle_locked(session, user, now)
    except Unavailable:
        raise
    except Exception:  # the border of one user's mails: nobody else's wait for them
        log.exception("bundling the mails of %s met a fault of ours", user_id)


async def _bundle_locked(session: AsyncSession, user: User, now: datetime) -> None:
    wishes = {"digest": user.mail_results, "now": user.mail_problems}
    due = await session.execute(_select_due(now).where(User.id == user.id))
    for mail in [row.mail for row in due]:
        is_wanted = wishes[mail] and user.deleting_at is None
        waiting = (
            Notification.user_id == user.id,
            Notification.mail == mail,
            Notification.mailed_at.is_(None),
            Notification.mail_id.is_(None),
        )
        change = {"mail_id": make_id("mail")} if is_wanted else {"mail": "none"}
        await session.execute(update(Notification).where(*waiting).values(**change))
        if is_wanted and mail == "digest":
            user.digested_at = now


async def _list_bundles(house: CreatorHouse, after: str) -> list[str]:
    bundled = (Notification.mail != "none", Notification.mailed_at.is_(None))
    wanted = select(Notification.mail_id).where(*bundled, Notification.mail_id > after)
    page = wanted.distinct().order_by(Notification.mail_id).limit(_PAGE)
    async with house.database.begin() as session:
        return [mail_id for mail_id in await session.scalars(page) if mail_id is not None]


async def _post(house: CreatorHouse, mail_id: str) -> bool:
    """Have a bundle sent; tells whether it was. What cannot be sent for days is dropped."""
    try:
        return await _post_bundle(house, mail_id)
    except Unavailable:
        raise
    except Exception:  # the border of one mail: the others are posted all the same
        log.exception("posting mail %s met a fault of ours", mail_id)
    stale = Notification.created_at < get_now() - _GOOD_FOR
    drop = update(Notification).where(Notification.mail_id == mail_id, stale)
    async with house.database.begin() as session:
        await session.execute(drop.values(mail="none"))
    return False


async def _post_bundle(house: CreatorHouse, mail_id: str) -> bool:
    """Have a bundle sent; the same id again is the same mail, which is posted once."""
    order = (Notification.created_at, Notification.id)
    wanted = select(Notification).where(Notification.mail_id == mail_id).order_by(*order)
    async with house.database.begin() as session:
        notes = (await session.scalars(wanted.limit(_MOST_NOTES))).all()
        user = await session.get(User, notes[0].user_id) if notes else None
    if user is None:
        return False
    mail = make_digest_mail(house, user, _KINDS[notes[0].mail], notes)
    good_for = _GOOD_FOR.total_seconds()
    posted = await post_mail(
        house.resources.store, mail, once=mail_id, good_for_seconds=int(good_for)
    )
    done = update(Notification).where(Notification.mail_id == mail_id)
    async with house.database.begin() as session:
        await session.execute(done.values(mailed_at=get_now()))
    return posted
