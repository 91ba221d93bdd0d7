"""Mails about notifications: results at most hourly, problems at once, each in one mail only.

First notifications are bundled under the id of a mail, in a transaction; then the bundle is
posted under that id and marked. A worker that dies in between loses none and posts none twice.
"""

from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.core.mail.post import post_mail
from comfyhoused.creator.digest_mail import make_digest_mail
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.tables import Edit, Notification, User
from comfyhoused.creator.unsubscribing import MailKind
from comfyhoused.creator.words import OPEN_EDIT_STATES
from comfyhoused.kit.clock import get_now
from comfyhoused.kit.ids import make_id

#: Between two mails about results.
DIGEST_PAUSE = timedelta(hours=1)
#: While edits are under way, results wait so long for each other.
GATHER_PAUSE = timedelta(minutes=20)
#: A problem is told at once; those that follow it within this time come together.
PROBLEM_PAUSE = timedelta(minutes=10)
#: While edits are under way, failures of single photos wait so long for each other.
FAILURES_PAUSE = timedelta(minutes=2)

_MOST_USERS = 50
_MOST_NOTES = 5_000
_GOOD_FOR_SECONDS = 3 * 86_400
#: Kinds of problems of which a bad batch brings a hundred at once.
_OF_SINGLE_PHOTOS = ("edit_failed", "delivery_failed")
_KINDS: dict[str, MailKind] = {"digest": "results", "now": "problems"}


async def send_digests(house: CreatorHouse, *, at: datetime | None = None) -> int:
    """Bundle what is due (at `at`, by default now) and post it; returns how many mails."""
    now = at or get_now()
    for user_id in await _list_users(house):
        async with house.database.begin() as session:
            locked = select(User).where(User.id == user_id).with_for_update(skip_locked=True)
            user = (await session.scalars(locked)).one_or_none()
            if user is not None:
                await _bundle(session, user, now)
    posted = 0
    for mail_id in await _list_bundles(house):
        posted += await _post(house, mail_id)
    return posted


async def _list_users(house: CreatorHouse) -> list[str]:
    fresh = (Notification.mail != "none", Notification.mailed_at.is_(None))
    waiting = select(Notification.user_id).where(*fresh, Notification.mail_id.is_(None))
    async with house.database.begin() as session:
        return list((await session.scalars(waiting.distinct().limit(_MOST_USERS))).all())


async def _bundle(session: AsyncSession, user: User, now: datetime) -> None:
    """Put the user's notifications that are due under one mail for each kind."""
    for mail, is_wanted in (("digest", user.mail_results), ("now", user.mail_problems)):
        mine = (Notification.user_id == user.id, Notification.mail == mail)
        waiting = (*mine, Notification.mailed_at.is_(None), Notification.mail_id.is_(None))
        change = update(Notification).where(*waiting)
        if not is_wanted or user.deleting_at is not None:
            await session.execute(change.values(mail="none"))
            continue
        oldest = await session.scalar(select(func.min(Notification.created_at)).where(*waiting))
        if oldest is None or not await _is_due(session, user, mail, oldest, now):
            continue
        await session.execute(change.values(mail_id=make_id("mail")))
        if mail == "digest":
            user.digested_at = now


async def _is_due(
    session: AsyncSession, user: User, mail: str, oldest: datetime, now: datetime
) -> bool:
    if mail == "now":
        problems = (Notification.user_id == user.id, Notification.mail == "now")
        last = await session.scalar(select(func.max(Notification.mailed_at)).where(*problems))
        if last is not None and last > now - PROBLEM_PAUSE:
            return False
        return oldest <= now - FAILURES_PAUSE or not await _may_gather(session, user.id)
    if user.digested_at is not None and user.digested_at > now - DIGEST_PAUSE:
        return False
    return oldest <= now - GATHER_PAUSE or not await _has_open_edits(session, user.id)


async def _may_gather(session: AsyncSession, user_id: str) -> bool:
    """Tell whether only single photos have failed, and more of them may follow."""
    other = select(Notification.id).where(
        Notification.user_id == user_id,
        Notification.mail == "now",
        Notification.mailed_at.is_(None),
        Notification.kind.not_in(_OF_SINGLE_PHOTOS),
    )
    if await session.scalar(select(other.exists())):
        return False
    return await _has_open_edits(session, user_id)


async def _has_open_edits(session: AsyncSession, user_id: str) -> bool:
    is_open = select(Edit.id).where(Edit.user_id == user_id, Edit.state.in_(OPEN_EDIT_STATES))
    return await session.scalar(select(is_open.exists())) or False


async def _list_bundles(house: CreatorHouse) -> list[str]:
    bundled = (Notification.mail != "none", Notification.mailed_at.is_(None))
    wanted = select(Notification.mail_id).where(*bundled, Notification.mail_id.is_not(None))
    async with house.database.begin() as session:
        found = await session.scalars(wanted.distinct().limit(_MOST_USERS))
        return [mail_id for mail_id in found if mail_id is not None]


async def _post(house: CreatorHouse, mail_id: str) -> bool:
    """Have a bundle sent; the same id again is the same mail, which is posted once."""
    order = (Notification.created_at, Notification.id)
    wanted = select(Notification).where(Notification.mail_id == mail_id).order_by(*order)
    async with house.database.begin() as session:
        notes = (await session.scalars(wanted.limit(_MOST_NOTES))).all()
        user = await session.get(User, notes[0].user_id) if notes else None
    if user is None:
        return False
    mail = make_digest_mail(house, user, _KINDS[notes[0].mail], notes)
    store = house.resources.store
    posted = await post_mail(store, mail, once=mail_id, good_for_seconds=_GOOD_FOR_SECONDS)
    done = update(Notification).where(Notification.mail_id == mail_id)
    async with house.database.begin() as session:
        await session.execute(done.values(mailed_at=get_now()))
    return posted
